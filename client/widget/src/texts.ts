/** What the widget says. A page may replace any of it: `element.texts = { call: 'Anrufen' }`. */
export const TEXTS = {
  title: 'Talk to us',
  call: 'Start a call',
  chat: 'Start a chat',
  connecting: 'Connecting…',
  connected: 'Connected. You can speak now.',
  reconnecting: 'The connection was lost. Connecting again…',
  ended: 'The call has ended.',
  mute: 'Mute',
  unmute: 'Unmute',
  sound: 'Turn on the sound',
  end: 'End the call',
  message: 'Your message',
  send: 'Send',
  you: 'You',
  agent: 'Agent',
  microphone: 'The microphone cannot be used. Allow it for this page, and try again.',
  failed: 'The call is not possible now. Try again later.',
};

export type Texts = typeof TEXTS;
