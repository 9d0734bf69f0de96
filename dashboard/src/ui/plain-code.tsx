"use client";

// The look of the editor of code without its code: a text field under its coloured text.

import { Fragment, memo, useEffect, useRef, type RefObject } from "react";
import { flushSync } from "react-dom";
import type CodeEditorView from "./code-editor-view";
import type { Selection } from "./code-editor-view";
import { classOf, IN_SLOT, kindOf, PATTERNS, type CodeLanguage } from "./code-tokens";
import type { described } from "./field";

export interface Editor {
  readonly View: typeof CodeEditorView;
  readonly selection: Selection | null;
}

interface Props {
  id: string;
  value: string;
  onChange(value: string): void;
  language: CodeLanguage;
  isReadOnly: boolean;
  described: ReturnType<typeof described>;
  /** The editor is there. It takes the place of this field, with its focus and its selection. */
  onLoaded(editor: Editor): void;
}

const TEXT = `px-3 py-2 font-mono text-[13px] leading-[1.5] whitespace-break-spaces [grid-area:1/1] [overflow-wrap:anywhere]
  [tab-size:2] [word-break:break-word]`;

export function PlainCode({ id, value, onChange, language, isReadOnly, described, onLoaded }: Props) {
  const area = useRef<HTMLTextAreaElement>(null);
  const { load, hold, release } = useEditor(area, onLoaded);
  const wanted = isReadOnly ? undefined : load;
  return (
    <div
      className="grid min-w-0 rounded-(--radius-sm) border border-line-strong bg-surface has-focus-visible:outline-2
        has-focus-visible:outline-offset-2 has-focus-visible:outline-(--focus) has-aria-invalid:border-bad"
    >
      <textarea
        ref={area}
        id={id}
        {...described}
        className={`${TEXT} block size-full resize-none overflow-hidden bg-transparent text-transparent caret-text outline-none`}
        value={value}
        readOnly={isReadOnly}
        rows={1}
        spellCheck={language === "template"}
        autoCapitalize={language === "template" ? "sentences" : "none"}
        autoComplete="off"
        onChange={({ target }) => onChange(target.value)}
        onFocus={wanted}
        onPointerEnter={wanted}
        onPointerDown={hold}
        onCompositionStart={hold}
        onCompositionEnd={release}
      />
      {/* Above the field, so that its selection does not cover the text. */}
      <div aria-hidden="true" className={`${TEXT} pointer-events-none relative`}>
        <Coloured text={value} language={language} />
        {"\n"}
      </div>
    </div>
  );
}

/** Loads the editor, and reports it when neither a pointer is pressed nor a character is being composed in the field. */
function useEditor(area: RefObject<HTMLTextAreaElement | null>, onLoaded: (editor: Editor) => void) {
  const view = useRef<typeof CodeEditorView>(null);
  const isHeld = useRef(false);
  const report = () => {
    const field = area.current;
    if (!view.current || !field || isHeld.current) return;
    const editor = { View: view.current, selection: document.activeElement === field ? selectionOf(field) : null };
    flushSync(() => onLoaded(editor));
  };
  const release = () => {
    isHeld.current = false;
    // The event that ends a composition may come before the one with its text.
    setTimeout(report);
  };
  const released = useRef(release);
  released.current = release;
  useEffect(() => {
    const up = () => isHeld.current && released.current();
    const names = ["pointerup", "pointercancel"] as const;
    for (const name of names) addEventListener(name, up);
    return () => {
      for (const name of names) removeEventListener(name, up);
    };
  }, []);
  const load = () => {
    // If it cannot be loaded, this field remains, and can be used as well.
    import("./code-editor-view").then(
      (module) => {
        view.current = module.default;
        report();
      },
      () => {},
    );
  };
  return { load, hold: () => void (isHeld.current = true), release };
}

function selectionOf({ selectionStart, selectionEnd, selectionDirection }: HTMLTextAreaElement): Selection {
  return selectionDirection === "backward" ? { anchor: selectionEnd, head: selectionStart } : { anchor: selectionStart, head: selectionEnd };
}

const Coloured = memo(function Coloured({ text, language }: { text: string; language: CodeLanguage }) {
  return text.split("\n").map((line, index) => (
    <Fragment key={index}>
      {index > 0 && "\n"}
      <Tokens text={line} pattern={PATTERNS[language]} />
    </Fragment>
  ));
});

function Tokens({ text, pattern }: { text: string; pattern: RegExp }) {
  let end = 0;
  const parts = [...text.matchAll(pattern)].flatMap((match) => {
    const kind = kindOf(match);
    const before = text.slice(end, match.index);
    end = match.index + match[0].length;
    const token = (
      <span key={match.index} className={kind && classOf(kind)}>
        {kind === "slot" ? <Tokens text={match[0]} pattern={IN_SLOT} /> : match[0]}
      </span>
    );
    return [before, token];
  });
  return [...parts, text.slice(end)];
}
