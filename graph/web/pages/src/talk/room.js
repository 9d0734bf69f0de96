// The caller's place in the room: a microphone, and ears.

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

setLogLevel(LogLevel.silent); // what matters of it is shown on the page

const LEVELS_MS = 60;
const PATIENCE = { maxRetries: 1, websocketTimeout: 5_000, peerConnectionTimeout: 10_000 };

export class Problem extends Error {}

/** Asked for before there is a call: who has no microphone shall not be called back for nothing. */
export async function microphone() {
  if (!navigator.mediaDevices) throw new Problem(NO_MICROPHONES_HERE);
  try {
    return await createLocalAudioTrack();
  } catch (error) {
    throw new Problem(microphoneProblem(error));
  }
}

export class Place {
  /** `tell` hears of: reconnecting, reconnected, out(reason), silent, sounding, dead. */
  constructor(track, tell) {
    this.track = track;
    this.tell = tell;
    this.meters = new Map();
    this.room = new Room({ stopLocalTrackOnUnpublish: true });
    this.room
      .on(RoomEvent.TrackSubscribed, (track) => this.hear(track))
      .on(RoomEvent.TrackUnsubscribed, (track) => this.hearNoMore(track))
      .on(RoomEvent.Reconnecting, () => tell.reconnecting())
      .on(RoomEvent.Reconnected, () => tell.reconnected())
      .on(RoomEvent.AudioPlaybackStatusChanged, () =>
        this.room.canPlaybackAudio ? tell.sounding() : tell.silent(),
      )
      .on(RoomEvent.Disconnected, (reason) => {
        this.close();
        if (reason !== DisconnectReason.CLIENT_INITIATED) tell.out(reason);
      });
  }

  async enter({ url, token }) {
    try {
      await this.room.connect(url, token, PATIENCE);
      await this.room.localParticipant.publishTrack(this.track, { source: Track.Source.Microphone });
    } catch (error) {
      this.close();
      throw new Problem(`${unreachable(url)} (${error.message})`);
    }
    this.track.on(TrackEvent.Ended, () => this.tell.dead());
    this.measure(this.track, at("level-you"));
  }

  hear(track) {
    if (track.kind !== Track.Kind.Audio) return;
    at("sound").append(track.attach());
    this.measure(track, at("level-agent"));
  }

  hearNoMore(track) {
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
