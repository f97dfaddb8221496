import type { ChainInfo } from "../protocol/options";

const nameOf = (key: string): string => key.slice(key.indexOf(":") + 1).toUpperCase();

/** Whether a symbol is of a venue that lists options, which are listened to where somebody looks at them. */
export const hasOptions = (symbol: string): boolean => /^(upstox|angelone):/.test(symbol);

/** Whether a chart shows the underlying of a chain or what is derived from it: "upstox:NIFTY.FUT1" of "nse:NIFTY". */
export function isUnderlying(chain: Pick<ChainInfo, "name" | "charts">, chart: string): boolean {
  if (chain.charts.includes(chart)) return true;
  const [name, of] = [nameOf(chart), chain.name.toUpperCase()];
  return name.startsWith(of) && !/^[A-Z]/.test(name.slice(of.length));
}

const newestFirst = (chains: readonly ChainInfo[]): readonly ChainInfo[] =>
  [...chains].sort((a, b) => (BigInt(a.last_ns) < BigInt(b.last_ns) ? 1 : -1));

/**
 * The chain of the desk: of the underlying that is charted where that is an exchange's, else of NIFTY, else any; one
 * whose own chart is stored goes before the others. A simulated one is none for a chart whose own may begin.
 */
export function deskChain(chains: readonly ChainInfo[], charted: string): ChainInfo | undefined {
  const sorted = newestFirst(chains);
  const traded = sorted.filter((one) => !one.symbol.startsWith("sim:"));
  const fits = traded.filter((one) => isUnderlying(one, charted));
  const nifty = traded.filter(({ name }) => name.toUpperCase() === "NIFTY");
  const all = [...fits, ...nifty, ...traded, ...(hasOptions(charted) ? [] : sorted)];
  return all.find(({ front }) => front !== null) ?? all[0];
}

/** The chain of what a chart shows ("upstox:NIFTY.FUT1" is of "nse:NIFTY"), the newest one of several; else the first. */
export function chainFor(chains: readonly ChainInfo[], near: string): ChainInfo | undefined {
  const exact = chains.find(({ symbol }) => symbol === near);
  if (exact !== undefined) return exact;
  const fits = chains.filter((chain) => isUnderlying(chain, near));
  fits.sort((a, b) => b.name.length - a.name.length || Number(BigInt(b.last_ns) - BigInt(a.last_ns)));
  return fits[0] ?? chains[0];
}
