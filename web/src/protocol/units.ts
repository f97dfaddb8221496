/** Units as types: a pixel, a price and a time are all numbers, and must never be mixed by accident. */

declare const unit: unique symbol;

export type Nominal<T, Name extends string> = T & { readonly [unit]: Name };

/** Price in whole ticks of the instrument. */
export type PriceTick = Nominal<number, "PriceTick">;
/** Price row: `floor(price_tick / ticks_per_level)`. */
export type Row = Nominal<number, "Row">;
/** Quantity in whole lots of the instrument. */
export type Lot = Nominal<number, "Lot">;
/** Nanoseconds since 1970 UTC, exact. */
export type Ns = Nominal<bigint, "Ns">;
/** Milliseconds since 1970 UTC, for display only. */
export type Ms = Nominal<number, "Ms">;
/** Stable number of a bar within its topic: history that is loaded later counts down from zero. */
export type BarIndex = Nominal<number, "BarIndex">;
/** CSS pixels. */
export type Px = Nominal<number, "Px">;
/** Device pixels: what a canvas is made of. */
export type Dpx = Nominal<number, "Dpx">;

export const priceTick = (value: number): PriceTick => value as PriceTick;
export const row = (value: number): Row => value as Row;
export const lot = (value: number): Lot => value as Lot;
export const ns = (value: bigint): Ns => value as Ns;
export const ms = (value: number): Ms => value as Ms;
export const px = (value: number): Px => value as Px;
export const dpx = (value: number): Dpx => value as Dpx;

export const nsToMs = (value: bigint): Ms => Number(value / 1_000_000n) as Ms;
