// Samples to a WAV file of 16-bit PCM at 16 kHz with one channel, which every server of sounds can read.

export const RATE = 16000;

/** Chunks of samples (Float32Array) to one. */
export function joined(chunks) {
  const all = new Float32Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** The bytes of a WAV file (ArrayBuffer) with the samples, in [-1, 1]. */
export function encode(samples, rate = RATE) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, word) => [...word].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of this part
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => {
    const clipped = Math.max(-1, Math.min(1, sample));
    view.setInt16(44 + 2 * i, Math.round(clipped * 32767), true);
  });
  return view.buffer;
}

/** An AudioBuffer of any rate and channels to a WAV Blob at 16 kHz. The browser resamples and mixes. */
export async function fromBuffer(buffer) {
  const length = Math.max(1, Math.ceil((buffer.length * RATE) / buffer.sampleRate));
  const context = new OfflineAudioContext(1, length, RATE);
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  source.start();
  const mono = await context.startRendering();
  return new Blob([encode(mono.getChannelData(0))], { type: "audio/wav" });
}
