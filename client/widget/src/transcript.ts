// The conversation of a text call, as a log.

import type { Update } from './host.js';
import type { Texts } from './texts.js';

export class Transcript {
  readonly log = document.createElement('div');
  readonly #texts: () => Texts;
  readonly #partials = new Map<string, HTMLDivElement>();
  readonly #complete = new Set<string>();

  constructor(texts: () => Texts) {
    this.#texts = texts;
    // A log is announced as it grows; the words of a turn that is not complete are not.
    this.log.setAttribute('role', 'log');
    this.log.tabIndex = 0;
  }

  clear(): void {
    this.#partials.clear();
    this.#complete.clear();
    this.log.replaceChildren();
  }

  add(update: Update): void {
    switch (update.__typename) {
      case 'PartialTranscript': {
        if (this.#complete.has(update.turnId)) return;
        this.#partials.get(update.speaker)?.remove();
        const item = this.#append(update.speaker === 'CALLER', update.text);
        item.classList.add('partial');
        item.setAttribute('aria-hidden', 'true');
        this.#partials.set(update.speaker, item);
        break;
      }
      case 'UserTurn':
        this.#finish('CALLER', update.turnId);
        this.#append(true, update.text);
        break;
      case 'AgentTurn':
        this.#finish('AGENT', update.turnId);
        this.#append(false, update.text);
        break;
    }
  }

  #finish(speaker: string, turnId: string): void {
    this.#complete.add(turnId);
    this.#partials.get(speaker)?.remove();
    this.#partials.delete(speaker);
  }

  #append(isCaller: boolean, text: string): HTMLDivElement {
    const item = document.createElement('div');
    const name = document.createElement('b');
    name.textContent = isCaller ? this.#texts().you : this.#texts().agent;
    item.append(name, text);
    item.className = isCaller ? 'turn caller' : 'turn agent';
    this.log.append(item);
    this.log.scrollTop = this.log.scrollHeight;
    return item;
  }
}
