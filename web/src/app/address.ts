/** What an address may name; anything else in it is left alone. */
export interface AddressChoice {
  readonly symbol: string | null;
  readonly bars: string | null;
  readonly step: number | null;
}

/** Read `?symbol=..&bars=..&step=..`, or the same after `#`, which wins. */
export function readAddress(search: string, hash: string): AddressChoice {
  const query = new URLSearchParams(search);
  const fragment = new URLSearchParams(hash.replace(/^#/, ""));
  const take = (name: string): string | null => fragment.get(name) ?? query.get(name);
  const step = Number(take("step"));
  return { symbol: take("symbol"), bars: take("bars"), step: Number.isInteger(step) && step > 0 ? step : null };
}

/** The fragment that opens the same chart again; without a step, the symbol's default. */
export function addressOf(symbol: string, bars: string, step: number | null): string {
  const chosen = step === null ? "" : `&step=${step}`;
  return `#symbol=${encodeURIComponent(symbol).replace("%3A", ":")}&bars=${encodeURIComponent(bars)}${chosen}`;
}
