// Calls to the server; every failure becomes an Error with one line that a person can read.

async function answer(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    // an answer of something between this page and the server
  }
  if (response.ok && body) return body;
  const wait = response.headers.get("Retry-After");
  const reason = body?.error ?? `the server answered ${response.status}`;
  throw Object.assign(new Error(wait ? `${reason} (try again in ${wait} s)` : reason), { status: response.status });
}

async function call(path, options) {
  try {
    return await answer(await fetch(path, options));
  } catch (error) {
    if (error.name === "AbortError" || error.status) throw error;
    throw new Error("the server can't be reached; is t2t-serve still running?");
  }
}

/** The state of the model: "loading", "warming", "ready", "stopping". It comes with status 503 until ready. */
export async function health() {
  try {
    return (await (await fetch("/health")).json()).status;
  } catch {
    return "not reachable";
  }
}

export const problems = () => call("/api/problems");

/**
 * What the model says of one input.
 * @param {string} what "predict" or "attention"
 * @param {string} problem its name
 * @param {string|Blob|object} input a text, a file as it is, or named inputs: texts, and files as data addresses
 * @param {object} options how to decode
 * @param {AbortSignal} signal gives it up
 * @param {string} [output] for attention: the output to look at
 */
export function ask(what, problem, input, options, signal, output) {
  const path = `/api/${what}/${encodeURIComponent(problem)}`;
  if (!(input instanceof Blob)) {
    const body = { inputs: [input], options };
    if (output !== undefined) body.output = output;
    return call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });
  }
  const query = new URLSearchParams(Object.entries(options).map(([name, value]) => [name, String(value)]));
  if (output !== undefined) query.set("output", output);
  const headers = { "Content-Type": input.type || "application/octet-stream" };
  return call(`${path}?${query}`, { method: "POST", headers, body: input, signal });
}
