// The voice of a call: the microphone of this page, and the agent in its loudspeaker.
import { DisconnectReason, Room, RoomEvent, Track, createLocalAudioTrack } from 'livekit-client';
import { withDeadline } from './deadlines.js';
import { Variable } from './observable.js';
/** Why a voice call cannot begin. */
export class VoiceFailed extends Error {
    name = 'VoiceFailed';
    code;
    constructor(code, cause) {
        super(cause instanceof Error ? cause.message : String(cause), { cause });
        this.code = code;
    }
}
const TIMEOUT_MS = 60_000;
/** Ask for the microphone. Do this before a call is started, because the user may refuse. */
export async function microphone(options = {}) {
    let pending;
    try {
        const { timeoutMs = TIMEOUT_MS, signal } = options;
        return await withDeadline(timeoutMs, signal, () => (pending = createLocalAudioTrack()));
    }
    catch (error) {
        // Permission that comes too late must not leave the microphone on.
        pending?.then((track) => track.stop(), () => undefined);
        options.signal?.throwIfAborted();
        throw new VoiceFailed('MICROPHONE', error);
    }
}
/** Join the room of a call, with a track of `microphone()` or with a new one. */
export async function joinVoice(ticket, options = {}) {
    const track = options.track ?? (await microphone(options));
    const room = new JoinedRoom(track, options.container ?? document.body);
    try {
        await withDeadline(options.timeoutMs ?? TIMEOUT_MS, options.signal, () => room.enter(ticket));
    }
    catch (error) {
        await room.leave();
        options.signal?.throwIfAborted();
        throw new VoiceFailed('ROOM', error);
    }
    return room;
}
class JoinedRoom {
    state = new Variable('CONNECTED');
    hasSound = new Variable(true);
    isMuted = new Variable(false);
    #room = new Room({ stopLocalTrackOnUnpublish: true });
    #elements = new Set();
    #track;
    constructor(track, container) {
        this.#track = track;
        this.#room
            .on(RoomEvent.TrackSubscribed, (remote) => {
            if (remote.kind !== Track.Kind.Audio)
                return;
            const element = remote.attach();
            this.#elements.add(element);
            container.appendChild(element);
        })
            .on(RoomEvent.TrackUnsubscribed, (remote) => remote.detach().forEach((element) => element.remove()))
            .on(RoomEvent.Reconnecting, () => this.state.set('RECONNECTING'))
            .on(RoomEvent.Reconnected, () => this.state.set('CONNECTED'))
            .on(RoomEvent.AudioPlaybackStatusChanged, () => this.hasSound.set(this.#room.canPlaybackAudio))
            .on(RoomEvent.Disconnected, (reason) => {
            if (reason !== DisconnectReason.CLIENT_INITIATED)
                void this.leave();
        });
    }
    async enter({ url, token }) {
        await this.#room.connect(url, token);
        // The type of the track leaves no room for exactOptionalPropertyTypes.
        await this.#room.localParticipant.publishTrack(this.#track.mediaStreamTrack, { source: Track.Source.Microphone });
    }
    async startSound() {
        await this.#room.startAudio();
    }
    async setMuted(muted) {
        await (muted ? this.#track.mute() : this.#track.unmute());
        this.isMuted.set(muted);
    }
    async leave() {
        this.#track.stop();
        this.state.set('ENDED');
        await this.#room.disconnect();
        for (const element of this.#elements)
            element.remove();
        this.#elements.clear();
    }
}
