// A value that changes, in the form that `useSyncExternalStore` of React expects.
export class Variable {
    #listeners = new Set();
    #value;
    constructor(value) {
        this.#value = value;
    }
    get = () => this.#value;
    subscribe = (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
    };
    set(value) {
        if (Object.is(value, this.#value))
            return;
        this.#value = value;
        for (const listener of [...this.#listeners])
            listener();
    }
}
