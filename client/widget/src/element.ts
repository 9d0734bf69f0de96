// <agent-studio-call endpoint="/call" kinds="voice text">: a call from any page.

import { newKey } from '../../typescript/src/identifiers.js';
import type { VoiceRoom } from '../../typescript/src/voice.js';
import { endText, followText, say, startText, startVoice, type Update } from './host.js';
import { STYLES } from './styles.js';
import { TEXTS, type Texts } from './texts.js';
import { Transcript } from './transcript.js';

type Voice = typeof import('../../typescript/src/voice.js');
type Phase = 'IDLE' | 'CONNECTING' | 'VOICE' | 'TEXT';

/** What there is to hang up. */
interface ActiveCall {
  end(): Promise<unknown>;
}

export class AgentStudioCall extends HTMLElement {
  #texts: Texts = TEXTS;
  #phase: Phase = 'IDLE';
  #call: ActiveCall | null = null;
  #room: VoiceRoom | null = null;
  #starting: AbortController | null = null;
  #say: (text: string, key: string) => Promise<unknown> = async () => undefined;
  /** A message that may have arrived although sending it failed: it is sent again with the same key. */
  #unsent: { readonly text: string; readonly key: string } | null = null;
  readonly #transcript = new Transcript(() => this.#texts);
  readonly #title = element('h2');
  readonly #status = element('p', { class: 'status', role: 'status' });
  readonly #buttons = {
    call: this.#button('call', () => this.#startVoice(), 'primary'),
    chat: this.#button('chat', () => this.#startText(), 'primary'),
    sound: this.#button('sound', () => this.#room?.startSound()),
    mute: this.#button('mute', () => this.#room?.setMuted(!this.#room.isMuted.get())),
    end: this.#button('end', () => this.#end()),
  };
  readonly #input = element('input', { id: 'message', name: 'message', autocomplete: 'off', maxlength: '2000' });
  readonly #form = element('form');

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    root.adoptedStyleSheets = [sheet];
    const section = element('section', { 'aria-labelledby': 'title', part: 'panel' });
    this.#title.id = 'title';
    this.#transcript.log.setAttribute('aria-labelledby', 'title');
    const actions = element('div', { class: 'actions' });
    actions.append(...Object.values(this.#buttons));
    const label = element('label', { for: 'message' });
    const send = element('button', { type: 'submit', class: 'primary', part: 'button' });
    this.#form.append(label, this.#input, send);
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
    section.append(this.#title, this.#status, this.#transcript.log, this.#form, actions);
    root.append(section);
  }

  /** The texts that differ from the English ones. */
  set texts(texts: Partial<Texts>) {
    this.#texts = { ...TEXTS, ...texts };
    this.#draw(this.#phase);
  }

  connectedCallback(): void {
    // A property that was set before this class was loaded hides the accessor.
    if (Object.hasOwn(this, 'texts')) {
      const { value } = Object.getOwnPropertyDescriptor(this, 'texts') ?? {};
      Reflect.deleteProperty(this, 'texts');
      this.texts = value as Partial<Texts>;
    }
    this.#draw(this.#phase);
  }

  disconnectedCallback(): void {
    if (this.#call || this.#starting) this.#end();
  }

  get #endpoint(): string {
    return this.getAttribute('endpoint') ?? '';
  }

  #offers(kind: string): boolean {
    return (this.getAttribute('kinds') ?? 'voice').split(/\s+/).includes(kind);
  }

  #draw(phase: Phase): void {
    this.#phase = phase;
    const texts = this.#texts;
    this.#title.textContent = this.getAttribute('label') ?? texts.title;
    const isMuted = this.#room?.isMuted.get() ?? false;
    for (const [name, button] of Object.entries(this.#buttons)) {
      button.textContent = texts[name as keyof Texts];
    }
    this.#buttons.mute.textContent = isMuted ? texts.unmute : texts.mute;
    this.#buttons.call.hidden = phase !== 'IDLE' || !this.#offers('voice');
    this.#buttons.chat.hidden = phase !== 'IDLE' || !this.#offers('text');
    this.#buttons.mute.hidden = phase !== 'VOICE';
    this.#buttons.sound.hidden = phase !== 'VOICE' || this.#room?.hasSound.get() !== false;
    this.#buttons.end.hidden = phase === 'IDLE';
    this.#form.hidden = phase !== 'TEXT';
    // Screen readers announce what is added to a log that is there already.
    this.#transcript.log.hidden = phase !== 'TEXT' && this.#transcript.log.childElementCount === 0;
    const [label, , send] = this.#form.children;
    if (label) label.textContent = texts.message;
    if (send) send.textContent = texts.send;
  }

  #show(text: string): void {
    this.#status.textContent = text;
  }

  async #startVoice(): Promise<void> {
    await this.#begin(async (signal) => {
      const address = new URL('./voice.js', import.meta.url).href;
      const { joinVoice, microphone } = (await import(address)) as Voice;
      const track = await microphone({ signal });
      const ticket = await startVoice(this.#endpoint, newKey()).catch((error: unknown) => {
        track.stop();
        throw error;
      });
      const room = await joinVoice(ticket, { track, signal, container: this.shadowRoot ?? this });
      if (signal.aborted) return room.leave();
      this.#room = room;
      this.#call = { end: () => room.leave() };
      this.#show(this.#texts.connected);
      room.isMuted.subscribe(() => this.#draw('VOICE'));
      room.hasSound.subscribe(() => this.#draw('VOICE'));
      room.state.subscribe(() => {
        const state = room.state.get();
        if (state === 'ENDED') this.#ended(this.#texts.ended);
        else this.#show(state === 'CONNECTED' ? this.#texts.connected : this.#texts.reconnecting);
      });
      this.#draw('VOICE');
      this.#buttons.mute.focus();
    });
  }

  async #startText(): Promise<void> {
    await this.#begin(async (signal) => {
      const call = await startText(this.#endpoint, newKey());
      if (signal.aborted) return void (await endText(this.#endpoint, call));
      const stop = followText(this.#endpoint, call, {
        update: (update) => this.#update(update),
        lost: () => this.#show(this.#texts.reconnecting),
        back: () => this.#show(''),
      });
      this.#say = (text, key) => say(this.#endpoint, call, text, key);
      this.#call = {
        end: async () => {
          stop();
          await endText(this.#endpoint, call);
        },
      };
      this.#show('');
      this.#draw('TEXT');
      this.#input.focus();
    });
  }

  async #begin(start: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const starting = (this.#starting = new AbortController());
    this.#unsent = null;
    this.#transcript.clear();
    this.#draw('CONNECTING');
    this.#show(this.#texts.connecting);
    this.#buttons.end.focus();
    try {
      await start(starting.signal);
    } catch (error) {
      if (starting.signal.aborted) return;
      const isMicrophone = (error as { code?: unknown }).code === 'MICROPHONE';
      this.#ended(isMicrophone ? this.#texts.microphone : this.#texts.failed);
    } finally {
      if (this.#starting === starting) this.#starting = null;
    }
  }

  #update(update: Update): void {
    if (update.__typename === 'CallEnded') return this.#ended(this.#texts.ended);
    if (update.__typename === 'Failed') return this.#ended(this.#texts.failed);
    this.#transcript.add(update);
    this.#transcript.log.hidden = false;
  }

  async #send(): Promise<void> {
    const text = this.#input.value.trim();
    if (!text) return;
    this.#input.value = '';
    const key = text === this.#unsent?.text ? this.#unsent.key : newKey();
    this.#unsent = null;
    try {
      await this.#say(text, key);
    } catch {
      this.#unsent = { text, key };
      this.#input.value ||= text;
      this.#show(this.#texts.failed);
    }
  }

  #end(): void {
    this.#starting?.abort();
    this.#ended(this.#texts.ended);
  }

  #ended(text: string): void {
    const hadFocus = this.shadowRoot?.activeElement != null;
    const call = this.#call;
    this.#call = this.#room = null;
    // The call ends on the server as well when its room is empty, or after a silence.
    void call?.end().catch(() => undefined);
    this.#show(text);
    this.#draw('IDLE');
    if (hadFocus) (this.#buttons.call.hidden ? this.#buttons.chat : this.#buttons.call).focus();
  }

  #button(name: string, press: () => unknown, className = ''): HTMLButtonElement {
    const button = element('button', { type: 'button', class: className, part: `button ${name}` });
    button.addEventListener('click', () => void press());
    return button;
  }
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string> = {},
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

if (!customElements.get('agent-studio-call')) customElements.define('agent-studio-call', AgentStudioCall);
