import { t } from "@lingui/core/macro";
import { Link, useParams } from "@tanstack/react-router";
import Text from "markdown-to-jsx/react";
import { isValidElement, type ReactNode, useEffect, useRef } from "react";

import { buttonClass } from "../../parts/Button";
import { CopyButton } from "../../parts/Outside";
import { Nothing, Page } from "../../parts/Page";
import { GUIDE, pageOfLink } from "./pages";

/** The guide, page by page, as it also stands in the repository. */
export function GuidePage() {
  const { page: name } = useParams({ strict: false });
  const page = name === undefined ? GUIDE[0] : GUIDE.find((entry) => entry.name === name);
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // To the very top: the space above the first line belongs to it.
    if (page) top.current?.parentElement?.scrollTo?.(0, 0);
  }, [page]);

  return (
    <Page title={page?.title ?? t`Not in the guide`} trail={t`Guide`}>
      <div ref={top} className="flex gap-10">
        <nav aria-label={t`Guide`} className="sticky top-0 w-52 shrink-0 self-start">
          <ul>
            {GUIDE.map((entry) => (
              <li key={entry.name}>
                <Link
                  to="/guide/$page"
                  params={{ page: entry.name }}
                  aria-current={entry === page ? "page" : undefined}
                  className="flex min-h-7 items-center rounded-sm px-2 py-1 text-soft hover:bg-hover hover:text-ink aria-[current=page]:bg-picked aria-[current=page]:font-medium aria-[current=page]:text-ink"
                >
                  {entry.title}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        {page ? (
          <article className="guide max-w-3xl min-w-0 flex-1">
            <Text options={{ disableParsingRawHTML: true, forceBlock: true, overrides: { a: GuideLink, pre: Typed } }}>
              {page.text}
            </Text>
          </article>
        ) : (
          <Nothing action={<Link to="/guide" className={buttonClass()}>{t`First page`}</Link>}>{t`The guide has no such page.`}</Nothing>
        )}
      </div>
    </Page>
  );
}

/** A link to another page of the guide. Others lead into the repository, which the window does not show. */
function GuideLink({ href, children }: { href?: string; children?: ReactNode }) {
  const page = pageOfLink(href);
  return page ? <Link to="/guide/$page" params={{ page }}>{children}</Link> : <span>{children}</span>;
}

/** Something to type or to paste. The prompts are not copied. */
function Typed({ children }: { children?: ReactNode }) {
  const text = plainText(children).trimEnd();
  return (
    <div className="relative">
      <pre>
        <code>{text}</code>
      </pre>
      <div className="absolute top-1 right-1">
        <CopyButton text={text.replaceAll(/^\$ /gm, "")} label={t`Copy`} />
      </div>
    </div>
  );
}

function plainText(node: ReactNode): string {
  if (typeof node === "string" || typeof node === "number") return String(node);
  if (Array.isArray(node)) return node.map(plainText).join("");
  return isValidElement<{ children?: ReactNode }>(node) ? plainText(node.props.children) : "";
}
