"use client";

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentUnit } from "@codemirror/language";
import { lintKeymap, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, keymap } from "@codemirror/view";
import { getNonce } from "get-nonce";
import { useEffect, useLayoutEffect, useRef } from "react";
import type { CodeProblem } from "./code-editor";
import { complete, highlighting, type CodeCompletion } from "./code-languages";
import type { CodeLanguage } from "./code-tokens";
import type { described } from "./field";

export interface Selection {
  readonly anchor: number;
  readonly head: number;
}

interface Props {
  id: string;
  value: string;
  onChange(value: string): void;
  language: CodeLanguage;
  completions: readonly CodeCompletion[];
  problems: readonly CodeProblem[];
  isReadOnly: boolean;
  described: ReturnType<typeof described>;
  /** What is selected at first; null if the editor does not take the focus. */
  selection: Selection | null;
}

const THEME = EditorView.theme({
  "&": {
    minWidth: "0",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius-sm)",
    background: "var(--surface)",
    color: "var(--text)",
  },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "2px" },
  "&:has([aria-invalid=true])": { borderColor: "var(--bad)" },
  ".cm-scroller": { fontFamily: "var(--mono)", fontSize: "13px", lineHeight: "1.5", borderRadius: "inherit" },
  ".cm-content": { padding: "0.5rem 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 0.75rem" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--accent) 30%, transparent)",
  },
  "&.cm-focused .cm-matchingBracket": { background: "var(--accent-soft)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)", textUnderlineOffset: "3px" },
  ".cm-tooltip": {
    border: "1px solid var(--line)",
    borderRadius: "8px",
    background: "var(--raised)",
    color: "var(--text)",
    boxShadow: "var(--shadow-lg)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "13px", padding: "4px", maxHeight: "16em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "4px 8px", borderRadius: "6px", lineHeight: "1.4" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { background: "var(--hover)", color: "var(--text)" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "600", color: "var(--accent)" },
  ".cm-completionDetail": { fontFamily: "var(--sans)", fontStyle: "normal", color: "var(--muted)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)", padding: "6px 10px" },
});

/** Slots are closed as they are opened; quotes in prose are not. */
const CLOSED: Record<CodeLanguage, readonly string[]> = { template: ["{"], expression: ["(", "[", '"', "'"], json: ["{", "[", '"'] };

/** Chromium gives text that is typed over a highlighted one its style as an attribute, which the policy of the page forbids. */
const typingOver = EditorView.domEventHandlers({
  beforeinput({ inputType, data }, view) {
    const { from, to, empty } = view.state.selection.main;
    if (inputType !== "insertText" || !data || empty || view.state.readOnly) return false;
    const insert = () => view.state.update(view.state.replaceSelection(data), { userEvent: "input.type", scrollIntoView: true });
    const isHandled = view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, data, insert));
    if (!isHandled) view.dispatch(insert());
    return true;
  },
});

const BASIS: Extension = [
  EditorView.cspNonce.of(getNonce() ?? ""),
  THEME,
  typingOver,
  history(),
  drawSelection(),
  bracketMatching(),
  closeBrackets(),
  indentUnit.of("  "),
  EditorState.tabSize.of(2),
  EditorView.lineWrapping,
  keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
];

const extensionsOf = (language: CodeLanguage, completions: () => readonly CodeCompletion[]): Extension => [
  BASIS,
  highlighting(language),
  autocompletion({ icons: false, override: [(context) => complete(language, completions(), context)] }),
  EditorState.languageData.of(() => [{ closeBrackets: { brackets: CLOSED[language] } }]),
  language === "json" ? keymap.of([indentWithTab]) : [],
  language === "template" ? EditorView.contentAttributes.of({ spellcheck: "true", autocapitalize: "sentences" }) : [],
];

const fieldOf = ({ id, isReadOnly, described }: Props): Extension => [
  EditorState.readOnly.of(isReadOnly),
  EditorView.contentAttributes.of({
    id,
    "aria-labelledby": `${id}-label`,
    ...(described["aria-describedby"] && { "aria-describedby": described["aria-describedby"] }),
    ...(described["aria-invalid"] && { "aria-invalid": "true" }),
    ...(isReadOnly && { "aria-readonly": "true" }),
  }),
];

export default function CodeEditorView(props: Props) {
  const { value, language, problems, id, isReadOnly, described } = props;
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const field = useRef(new Compartment());
  const current = useRef(props);
  current.current = props;
  // What was typed and did not come back as `value` yet. An older text that comes back must not undo a newer one.
  const sent = useRef<string[]>([]);

  // In the task in which the text field that was there before goes, so that no key press is lost.
  useLayoutEffect(() => {
    if (!host.current) return;
    const report = EditorView.updateListener.of((update) => {
      if (!update.docChanged || update.transactions.some((each) => each.isUserEvent("outside"))) return;
      const text = update.state.doc.toString();
      sent.current.push(text);
      current.current.onChange(text);
    });
    const editor = new EditorView({
      parent: host.current,
      doc: current.current.value,
      extensions: [field.current.of(fieldOf(current.current)), report, extensionsOf(language, () => current.current.completions)],
    });
    view.current = editor;
    const { selection } = current.current;
    if (selection) {
      editor.dispatch({ selection });
      editor.focus();
    }
    return () => {
      view.current = null;
      editor.destroy();
    };
  }, [language]);

  useEffect(() => {
    const place = sent.current.indexOf(value);
    if (place >= 0) {
      sent.current.splice(0, place + 1);
      return;
    }
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    sent.current = [];
    const anchor = Math.min(editor.state.selection.main.head, value.length);
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value }, selection: { anchor }, userEvent: "outside" });
  }, [value]);

  const { "aria-describedby": description, "aria-invalid": invalid } = described;
  useEffect(() => {
    view.current?.dispatch({ effects: field.current.reconfigure(fieldOf(current.current)) });
  }, [id, isReadOnly, description, invalid]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const end = editor.state.doc.length;
    const marks = problems.map(({ from, to, message }): Diagnostic => ({ from: Math.min(from, end), to: Math.min(to, end), severity: "error", message }));
    editor.dispatch(setDiagnostics(editor.state, marks));
  }, [problems, language]);

  return <div ref={host} className="grid min-w-0" />;
}
