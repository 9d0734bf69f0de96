// The loudness of both sides of a recording.

/** Bars of each side. */
export const BARS = 320;
/** Decoding takes the memory of the whole sound, 230 MB for an hour. */
export const MAX_DRAWN_MS = 30 * 60_000;
const SAMPLE_RATE = 8000;

export type Peaks = readonly Float32Array[];

/** For each channel the largest sample of each bar. Rejects when the sound cannot be loaded or decoded. */
export async function loadPeaks(url: string, signal: AbortSignal): Promise<Peaks> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`The recording was answered with ${response.status}.`);
  const sound = await new OfflineAudioContext(1, 1, SAMPLE_RATE).decodeAudioData(await response.arrayBuffer());
  return Array.from({ length: sound.numberOfChannels }, (_, channel) => peaksOf(sound.getChannelData(channel)));
}

function peaksOf(samples: Float32Array): Float32Array {
  const peaks = new Float32Array(BARS);
  for (let bar = 0; bar < BARS; bar++) {
    const end = Math.ceil(((bar + 1) * samples.length) / BARS);
    for (let index = Math.floor((bar * samples.length) / BARS); index < end; index++) {
      const loudness = Math.abs(samples[index] ?? 0);
      if (loudness > (peaks[bar] ?? 0)) peaks[bar] = loudness;
    }
  }
  return peaks;
}

/** The outline of one side as the path of an SVG, around the line `y`, at most `height` to either side. */
export function outline(peaks: Float32Array, y: number, height: number): string {
  const at = (peak: number) => Math.max(0.5, Math.sqrt(peak) * height);
  return Array.from(peaks, (peak, bar) => `M${bar} ${y - at(peak)}h.7v${2 * at(peak)}h-.7z`).join("");
}
