// The styles of the widget, in a constructed style sheet, which a Content-Security-Policy without
// 'unsafe-inline' allows. Pages change the custom properties, or the parts of the element.

export const STYLES = `
:host {
  --studio-background: light-dark(#ffffff, #16191f);
  --studio-text: light-dark(#14171c, #f1f3f6);
  --studio-muted: light-dark(#545c68, #aeb6c2);
  --studio-border: light-dark(#858d99, #7a8290);
  --studio-accent: light-dark(#1d4ed8, #a8c1ff);
  --studio-on-accent: light-dark(#ffffff, #0b1220);
  --studio-bubble: light-dark(#eef1f6, #262b34);
  display: block;
  max-inline-size: 24rem;
  font: 1rem/1.5 system-ui, sans-serif;
  color: var(--studio-text);
}
:host([hidden]) { display: none; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
section {
  display: grid;
  gap: 0.75rem;
  padding: 1rem;
  border: 1px solid var(--studio-border);
  border-radius: 0.75rem;
  background: var(--studio-background);
}
h2 { margin: 0; font-size: 1.125rem; line-height: 1.3; }
p { margin: 0; }
[hidden] { display: none !important; }
.status { color: var(--studio-muted); min-block-size: 1.5em; }
.actions, form { display: flex; flex-wrap: wrap; gap: 0.5rem; }
button, input {
  box-sizing: border-box;
  font: inherit;
  min-block-size: 2.75rem;
  padding: 0.375rem 1rem;
  border: 1px solid var(--studio-border);
  border-radius: 0.5rem;
  background: var(--studio-background);
  color: inherit;
}
button { cursor: pointer; }
button.primary { border-color: transparent; background: var(--studio-accent); color: var(--studio-on-accent); }
:focus-visible { outline: 3px solid var(--studio-accent); outline-offset: 2px; }
label { flex: 1 1 100%; color: var(--studio-muted); }
input { flex: 1 1 8rem; min-inline-size: 0; }
[role="log"] {
  display: grid;
  gap: 0.5rem;
  margin: 0;
  padding: 0.25rem;
  max-block-size: 20rem;
  overflow-y: auto;
  overflow-wrap: anywhere;
}
.turn { padding: 0.5rem 0.75rem; border-radius: 0.5rem; background: var(--studio-bubble); max-inline-size: 85%; }
.turn.caller { justify-self: end; }
.turn b { display: block; font-size: 0.875rem; color: var(--studio-muted); font-weight: 600; }
.turn.partial { font-style: italic; }
@media (forced-colors: active) {
  .turn { border: 1px solid; }
}
`;
