// Asks for a board's data and hands on each line as it arrives.

/** A server that answered, and said no; or none that answered: `status` 0. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Gives `onLine` each panel's answer as soon as it is there. */
export async function load(path, signal, onLine) {
  let response;
  try {
    response = await fetch(path, { signal, headers: { accept: "application/x-ndjson" } });
    if (response.ok) return await lines(response.body, onLine);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The server cannot be reached.");
  }
  const problem = await response.json().catch(() => ({}));
  throw new Refused(response.status, problem.detail ?? problem.title ?? `The server answered ${response.status}.`);
}

async function lines(body, onLine) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value = "", done } = await reader.read();
    const parts = (rest + value).split("\n");
    rest = done ? "" : parts.pop();
    for (const line of parts) if (line !== "") onLine(JSON.parse(line));
    if (done) return;
  }
}
