export interface Observable<Value> {
    get(): Value;
    /** Returns the function that ends the subscription. */
    subscribe(listener: () => void): () => void;
}
export declare class Variable<Value> implements Observable<Value> {
    #private;
    constructor(value: Value);
    readonly get: () => Value;
    readonly subscribe: (listener: () => void) => (() => void);
    set(value: Value): void;
}
