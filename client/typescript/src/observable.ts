// A value that changes, in the form that `useSyncExternalStore` of React expects.

export interface Observable<Value> {
  get(): Value;
  /** Returns the function that ends the subscription. */
  subscribe(listener: () => void): () => void;
}

export class Variable<Value> implements Observable<Value> {
  readonly #listeners = new Set<() => void>();
  #value: Value;

  constructor(value: Value) {
    this.#value = value;
  }

  readonly get = (): Value => this.#value;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  set(value: Value): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }
}
