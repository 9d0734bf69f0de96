// Command callers simulates many callers with little CPU: it sends pre-encoded packets and discards
// the audio that it receives.
//
// Its argument is a file with the packets that each caller repeats: one line per 20 ms, an Opus
// packet in hex. Each line of standard input has the URL and token of one caller. The callers run
// until standard input ends.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

const (
	frame          = 20 * time.Millisecond
	greeting       = 3 * time.Second         // before the first caller speaks
	apart          = 1700 * time.Millisecond // so that they do not all speak at the same time
	connectTimeout = 10 * time.Second
	microphone     = "microphone"
)

// words are the packets of one caller.
type words struct {
	lksdk.BaseSampleProvider
	packets [][]byte
	next    int
}

func (w *words) NextSample(context.Context) (media.Sample, error) {
	packet := w.packets[w.next]
	w.next = (w.next + 1) % len(w.packets)
	return media.Sample{Data: packet, Duration: frame}, nil
}

func main() {
	log.SetFlags(0)
	packets, err := read(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	lksdk.SetLogger(logger.GetDiscardLogger())
	period := time.Duration(len(packets)) * frame
	tickets := bufio.NewScanner(os.Stdin)
	for late := time.Duration(0); tickets.Scan(); late = (late + apart) % period {
		var url, token string
		if _, err := fmt.Sscan(tickets.Text(), &url, &token); err != nil {
			log.Fatalf("each input line needs a URL and a token: %v", err)
		}
		go func() {
			if err := call(url, token, packets, greeting+late); err != nil {
				log.Fatalf("a caller could not join: %v", err)
			}
		}()
	}
	if err := tickets.Err(); err != nil {
		log.Fatal(err)
	}
}

func read(path string) ([][]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var packets [][]byte
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		packet, err := hex.DecodeString(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, len(packets)+1, err)
		}
		packets = append(packets, packet)
	}
	if len(packets) == 0 && lines.Err() == nil {
		return nil, fmt.Errorf("%s contains no packets", path)
	}
	return packets, lines.Err()
}

func call(url, token string, packets [][]byte, late time.Duration) error {
	track, err := lksdk.NewLocalTrack(webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
	})
	if err != nil {
		return err
	}
	callback := lksdk.RoomCallback{
		OnDisconnected:      func() { log.Fatal("a caller was removed from the room") },
		ParticipantCallback: lksdk.ParticipantCallback{OnTrackSubscribed: ignore},
	}
	room, err := lksdk.ConnectToRoomWithToken(url, token, &callback, lksdk.WithConnectTimeout(connectTimeout))
	if err != nil {
		return err
	}
	options := lksdk.TrackPublicationOptions{
		Name: microphone, Source: livekit.TrackSource_MICROPHONE,
	}
	if _, err := room.LocalParticipant.PublishTrack(track, &options); err != nil {
		return err
	}
	time.Sleep(late)
	return track.StartWrite(&words{packets: packets}, nil)
}

// ignore reads and discards a track, so that its packets do not accumulate.
func ignore(track *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant) {
	go func() {
		packet := make([]byte, 1500)
		for {
			if _, _, err := track.Read(packet); err != nil {
				return
			}
		}
	}()
}
