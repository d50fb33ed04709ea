/** Green fine, amber waits, red needs you, grey off; accent while something runs. */
export type Tone = "fine" | "waits" | "needs" | "off" | "busy";

const TEXT: Record<Tone, string> = { fine: "text-fine", waits: "text-waits", needs: "text-needs", off: "text-soft", busy: "text-accent" };
const DOT: Record<Tone, string> = {
  fine: "bg-fine",
  waits: "bg-waits",
  needs: "bg-needs",
  off: "bg-off",
  busy: "bg-accent animate-pulse-soft",
};

export function State({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className={`inline-flex max-w-full items-center gap-1.5 ${TEXT[tone]}`} title={children}>
      <span className={`size-2 shrink-0 rounded-full ${DOT[tone]}`} aria-hidden="true" />
      <span className="truncate">{children}</span>
    </span>
  );
}
