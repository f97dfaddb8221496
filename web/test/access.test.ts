import { afterEach, describe, expect, it, vi } from "vitest";
import { type Address, Door, enter, tokenIn, withoutToken } from "../src/data/access";
import { RequestFailed, Rest } from "../src/data/rest";

interface Sent {
  readonly url: string;
  readonly options: RequestInit;
}

function serverThat(...answers: readonly (Response | Error)[]): Sent[] {
  const sent: Sent[] = [];
  const waiting = [...answers];
  vi.stubGlobal("fetch", (url: string, options: RequestInit) => {
    sent.push({ url, options });
    const answer = waiting.shift();
    return answer instanceof Response ? Promise.resolve(answer) : Promise.reject(answer ?? new Error("no answer left"));
  });
  return sent;
}

function addressed(hash: string): { readonly shown: string[]; readonly address: Address } {
  const shown: string[] = [];
  return { shown, address: { hash: () => hash, replaceHash: (kept) => shown.push(kept) } };
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("tokenIn", () => {
  it("finds the token in a link, a fragment or bare text", () => {
    for (const text of ["http://192.168.1.5:8123/#token=abc", "#symbol=a:B&token=abc", "#token=abc&bars=1m", " abc "]) {
      expect(tokenIn(text)).toBe("abc");
    }
  });
});

describe("withoutToken", () => {
  it("leaves the rest of the fragment", () => {
    expect(withoutToken("#token=abc")).toBe("");
    expect(withoutToken("#symbol=a:B&token=abc&bars=1m")).toBe("#symbol=a:B&bars=1m");
  });
});

describe("enter", () => {
  it("sends the token in a body, and takes it out of the address", async () => {
    const sent = serverThat(Response.json({ required: true, authorized: true }));
    const { shown, address } = addressed("#token=abc&bars=1m");

    expect(await enter(new Door("/api/v1/session"), address)).toMatchObject({ state: "in" });

    expect(sent).toHaveLength(1);
    expect(sent[0]?.url).toBe("/api/v1/session");
    expect(sent[0]?.options).toMatchObject({ method: "POST", body: '{"token":"abc"}' });
    expect(shown).toEqual(["#bars=1m"]);
  });

  it("takes a wrong token out too, and says what the server said", async () => {
    serverThat(Response.json({ error: { code: "wrong_token", message: "open the link" } }, { status: 401 }));
    const { shown, address } = addressed("#token=abc");

    expect(await enter(new Door("/s"), address)).toEqual({ state: "refused", words: "open the link" });
    expect(shown).toEqual([""]);
  });

  it("leaves the link as it is where the server cannot be reached", async () => {
    serverThat(new TypeError("failed to fetch"));
    const { shown, address } = addressed("#token=abc");

    expect(await enter(new Door("/s"), address)).toMatchObject({ state: "unreachable" });
    expect(shown).toEqual([]);
  });

  it("comes in where the server knows no tokens", async () => {
    serverThat(new Response("", { status: 404 }));
    const { address } = addressed("");

    expect(await enter(new Door("/s"), address)).toMatchObject({ state: "in" });
  });

  it("asks without a token", async () => {
    const sent = serverThat(
      Response.json({ required: true, authorized: false }),
      Response.json({ required: false, authorized: true }),
    );
    const { address } = addressed("#symbol=a:B");

    expect(await enter(new Door("/s"), address)).toMatchObject({ state: "asked" });
    expect(await enter(new Door("/s"), address)).toMatchObject({ state: "in" });
    expect(sent[0]?.options.method).toBeUndefined();
  });
});

describe("Rest", () => {
  /** A server that begins no answer, or where `body` is given never ends one. */
  function serverThatHangs(body?: (signal: AbortSignal) => Response): readonly AbortSignal[] {
    const signals: AbortSignal[] = [];
    vi.stubGlobal("fetch", (_url: URL, { signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      if (body !== undefined) return Promise.resolve(body(signal));
      return new Promise((_answer, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
    });
    return signals;
  }
  const rest = (): Rest => new Rest("http://127.0.0.1:1/api/v1/");
  const endless = (signal: AbortSignal): Response =>
    new Response(
      new ReadableStream({ start: (to) => signal.addEventListener("abort", () => to.error(signal.reason)) }),
    );
  const isCut = ({ aborted }: AbortSignal): boolean => aborted;

  it("waits for nothing that was asked over a connection that is gone, and asks anew", async () => {
    const signals = serverThatHangs();
    const one = rest();
    const asked = one.feeds();
    one.abandon();
    await expect(asked).rejects.toThrow("the server cannot be reached (/api/v1/feeds)");
    const again = one.feeds();
    expect(signals.map(isCut)).toEqual([true, false]);
    one.abandon();
    await expect(again).rejects.toThrow("cannot be reached");
  });

  it("says so of an answer that had begun too", async () => {
    serverThatHangs(endless);
    const one = rest();
    const asked = one.feeds();
    await Promise.resolve(); // it has begun
    one.abandon();
    await expect(asked).rejects.toThrow(new RequestFailed("the server cannot be reached", 0));
  });

  it("leaves alone what is to be written over a connection that is gone", () => {
    const signals = serverThatHangs();
    const one = rest();
    for (const method of ["PUT", "POST", "DELETE"]) void one.send("layouts/x", { method });
    one.abandon();
    expect(signals.map(isCut)).toEqual([false, false, false]);
  });

  it("does not wait for ever for an answer to begin, and for as long as it takes to end", async () => {
    vi.useFakeTimers();
    const late = serverThatHangs();
    const asked = expect(rest().feeds()).rejects.toThrow("the server cannot be reached (/api/v1/feeds)");
    vi.advanceTimersByTime(74_000);
    expect(late.map(isCut)).toEqual([false]);
    vi.advanceTimersByTime(2000);
    await asked;
    const slow = serverThatHangs(endless);
    void rest().feeds();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(slow.map(isCut)).toEqual([false]);
  });
});
