// The measures of what is drawn.

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of a node that has not been drawn yet. */
export const NODE_SIZE: Size = { width: 224, height: 104 };
export const GAP = 48;

export interface Ends {
  readonly source: string;
  readonly target: string;
}
