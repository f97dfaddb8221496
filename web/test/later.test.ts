import { describe, expect, it, vi } from "vitest";
import { later, wanted } from "../src/data/later";

describe("a part of the page that comes later", () => {
  it("is fetched once, and again only where it did not come", async () => {
    const answers = [Promise.reject(new Error("offline")), Promise.resolve("sheets"), Promise.resolve("twice")];
    let asked = 0;
    const part = wanted(() => answers[asked++] as Promise<string>);
    part.want();
    part.want();
    expect([asked, part.get(), part.words.get()]).toEqual([1, null, "loading…"]);
    await new Promise((done) => setTimeout(done, 0));
    expect(part.words.get()).toContain("did not come");
    part.want();
    part.want();
    await answers[1];
    expect([asked, part.get()]).toEqual([2, "sheets"]);
    part.want();
    expect(asked).toBe(2);
  });

  it("comes by itself only where it was said to come later", () => {
    vi.useFakeTimers();
    const asked: string[] = [];
    const fetch = (name: string) => () => {
      asked.push(name);
      return Promise.resolve(name);
    };
    later(fetch("later"));
    wanted(fetch("wanted"));
    expect(asked).toEqual([]);
    vi.runAllTimers();
    expect(asked).toEqual(["later"]);
    vi.useRealTimers();
  });
});
