// Recording the microphone as plain samples: what MediaRecorder gives (WebM with Opus) the server can't read.

import { fromBuffer, joined } from "./wav.js";

export const possible = () => Boolean(navigator.mediaDevices?.getUserMedia && window.AudioWorkletNode);

/**
 * Starts to record.
 * @param {number} seconds after which it stops by itself
 * @param {function(number): void} onTime told the seconds so far
 * @returns {Promise<{stop: function(): void, done: Promise<Blob>}>} done: a WAV file at 16 kHz
 */
export async function record(seconds, onTime) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  const context = new AudioContext();
  const chunks = [];
  let samples = 0;
  let end;
  const ended = new Promise((resolve) => { end = resolve; });
  const close = () => {
    stream.getTracks().forEach((track) => track.stop());
    return context.close();
  };
  try {
    await context.audioWorklet.addModule("recorder-worklet.js");
    const node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }) => {
      chunks.push(data);
      samples += data.length;
      onTime(samples / context.sampleRate);
      if (samples >= seconds * context.sampleRate) end();
    };
    context.createMediaStreamSource(stream).connect(node);
  } catch (error) {
    await close();
    throw error;
  }
  const finish = async () => {
    await ended;
    const rate = context.sampleRate;
    await close();
    if (!samples) throw new Error("the microphone gave no sound");
    const buffer = new AudioBuffer({ length: samples, sampleRate: rate });
    buffer.copyToChannel(joined(chunks), 0);
    return fromBuffer(buffer);
  };
  return { stop: end, done: finish() };
}
