/** As the ref of what comes up where it may be out of sight: it is scrolled to as soon as it stands. */
export function intoView(node: HTMLElement | null) {
  node?.scrollIntoView?.({ block: "nearest" });
}
