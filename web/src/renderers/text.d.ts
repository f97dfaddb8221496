/** The digits of these fonts all have one width, so that columns of numbers stand; nothing is downloaded. */
export declare const fontStack = "\"Segoe UI\", Roboto, \"Helvetica Neue\", Arial, \"Liberation Sans\", \"DejaVu Sans\", sans-serif";
/** The width of a digit as a share of the font size, for the fonts above. */
export declare const digitWidth = 0.556;
/** @param size device pixels */
export declare function fontOf(size: number, weight?: 400 | 600 | 700): string;
/** Where both kinds of drawing surface agree: a canvas on the page and one that is only drawn from. */
export type Context = CanvasRenderingContext2D;
