// The caller's connection to the room: the microphone, and the audio of the agent.

import {
  createAudioAnalyser,
  createLocalAudioTrack,
  DisconnectReason,
  LogLevel,
  Room,
  RoomEvent,
  setLogLevel,
  Track,
  TrackEvent,
} from "livekit-client";
import { at } from "./dom.js";
import { microphoneProblem, NO_MICROPHONES_HERE, unreachable } from "./words.js";

setLogLevel(LogLevel.silent); // the page shows what matters

const LEVELS_MS = 60;
const TIMEOUTS = { maxRetries: 1, websocketTimeout: 5_000, peerConnectionTimeout: 10_000 };

export class Problem extends Error {}

/** Requested before the call is started, so that no call is started without a microphone. */
export async function microphone() {
  if (!navigator.mediaDevices) throw new Problem(NO_MICROPHONES_HERE);
  try {
    return await createLocalAudioTrack();
  } catch (error) {
    throw new Problem(microphoneProblem(error));
  }
}

export class RoomSession {
  /** `listener` has: reconnecting, reconnected, out(reason), silent, sounding, dead. */
  constructor(track, listener) {
    this.track = track;
    this.listener = listener;
    this.meters = new Map();
    this.room = new Room({ stopLocalTrackOnUnpublish: true });
    this.room
      .on(RoomEvent.TrackSubscribed, (track) => this.play(track))
      .on(RoomEvent.TrackUnsubscribed, (track) => this.stopPlaying(track))
      .on(RoomEvent.Reconnecting, () => listener.reconnecting())
      .on(RoomEvent.Reconnected, () => listener.reconnected())
      .on(RoomEvent.AudioPlaybackStatusChanged, () =>
        this.room.canPlaybackAudio ? listener.sounding() : listener.silent(),
      )
      .on(RoomEvent.Disconnected, (reason) => {
        this.close();
        if (reason !== DisconnectReason.CLIENT_INITIATED) listener.out(reason);
      });
  }

  async enter({ url, token }) {
    try {
      await this.room.connect(url, token, TIMEOUTS);
      await this.room.localParticipant.publishTrack(this.track, { source: Track.Source.Microphone });
    } catch (error) {
      this.close();
      throw new Problem(`${unreachable(url)} (${error.message})`);
    }
    this.track.on(TrackEvent.Ended, () => this.listener.dead());
    this.measure(this.track, at("level-you"));
  }

  play(track) {
    if (track.kind !== Track.Kind.Audio) return;
    at("sound").append(track.attach());
    this.measure(track, at("level-agent"));
  }

  stopPlaying(track) {
    track.detach().forEach((element) => element.remove());
    this.unmeasure(track);
  }

  measure(track, meter) {
    const { calculateVolume, cleanup } = createAudioAnalyser(track, { fftSize: 256 });
    const timer = setInterval(
      () => meter.style.setProperty("--level", Math.min(1, calculateVolume() * 2.2).toFixed(2)),
      LEVELS_MS,
    );
    this.meters.set(track, () => {
      clearInterval(timer);
      meter.style.setProperty("--level", 0);
      cleanup();
    });
  }

  unmeasure(track) {
    this.meters.get(track)?.();
    this.meters.delete(track);
  }

  sound() {
    return this.room.startAudio();
  }

  mute(muted) {
    return muted ? this.track.mute() : this.track.unmute();
  }

  close() {
    for (const track of [...this.meters.keys()]) this.unmeasure(track);
    this.track.stop();
    at("sound").replaceChildren();
    return this.room.disconnect();
  }
}
