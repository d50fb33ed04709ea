import { useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

import { Icon } from "./Icon";

const PAUSE = 200;

/**
 * A search field that tells its text once the typing pauses, or at once where what it searches is here already. `/` jumps to it
 * from anywhere on the screen.
 */
export function SearchBox({ label, value, onChange, atOnce = false }: { label: string; value: string; onChange: (value: string) => void; atOnce?: boolean }) {
  const [text, setText] = useState(value);
  const told = useRef(value);

  // A value that changed elsewhere (a cleared filter) replaces the text; our own echo does not.
  useEffect(() => {
    if (value !== told.current) {
      told.current = value;
      setText(value);
    }
  }, [value]);

  const router = useRouter();
  useEffect(() => {
    if (text === told.current) return;
    const here = router.latestLocation.pathname;
    const timer = setTimeout(() => {
      // Whoever opened a row meanwhile is on the way to another screen, and is not called back by a search.
      if (router.latestLocation.pathname !== here) return;
      told.current = text;
      onChange(text);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [text, onChange, router]);

  const enter = (text: string) => {
    setText(text);
    if (!atOnce) return;
    told.current = text;
    onChange(text);
  };
  return (
    <div className="relative w-64 min-w-40 max-[1000px]:w-44">
      <span className="pointer-events-none absolute top-1.5 left-2 text-soft">
        <Icon name="search" />
      </span>
      <input
        type="search"
        data-search
        className="field pr-7 pl-7"
        aria-label={label}
        placeholder={label}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => enter(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && text !== "") {
            event.stopPropagation();
            enter("");
          }
        }}
      />
      {text === "" && (
        <kbd aria-hidden="true" className="pointer-events-none absolute top-1.5 right-2 rounded-sm border border-line px-1 font-sans text-xs text-soft">
          /
        </kbd>
      )}
    </div>
  );
}
