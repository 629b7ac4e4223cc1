//! Finds messages in what a server writes to a WebSocket (RFC 6455, section 5.2).

/// Where in the stream of written bytes we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the head of the answer that opens the WebSocket; so many bytes of the empty line that ends it came.
    Head(usize),
    /// Before a frame.
    Start,
    /// Before the byte of the length, of a frame that is a message or not.
    Length(bool),
    /// In an extended length: bytes to come, and what came.
    Extended(bool, u8, u64),
    /// In the payload: bytes to come.
    Payload(bool, u64),
}

/// Counts the messages in a stream of bytes; a server's frames have no masks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frames(Place);

impl Frames {
    /// At the head of the answer that opens the WebSocket.
    pub(super) const fn new() -> Self {
        Self(Place::Head(0))
    }

    /// How many messages end in these bytes, which follow the last ones.
    pub(super) fn messages_in(&mut self, mut bytes: &[u8]) -> u32 {
        let mut messages = 0_u32;
        let mut end = |message: bool| {
            messages = messages.saturating_add(u32::from(message));
            Place::Start
        };
        while let Some((&byte, rest)) = bytes.split_first() {
            bytes = rest;
            self.0 = match self.0 {
                Place::Head(found) => match (found, byte) {
                    (0 | 2, b'\r') => Place::Head(found.saturating_add(1)),
                    (1, b'\n') => Place::Head(2),
                    (3, b'\n') => Place::Start,
                    _ => Place::Head(usize::from(byte == b'\r')),
                },
                // Whole or last fragments of text or bytes; others are fragments, pings, pongs and farewells.
                Place::Start => Place::Length(byte & 0x80 != 0 && byte & 0x08 == 0),
                Place::Length(message) => match byte & 0x7F {
                    0 => end(message),
                    126 => Place::Extended(message, 2, 0),
                    127 => Place::Extended(message, 8, 0),
                    length => Place::Payload(message, u64::from(length)),
                },
                Place::Extended(message, to_come, value) => {
                    let value = value << 8 | u64::from(byte);
                    match (to_come, value) {
                        (1, 0) => end(message),
                        (1, length) => Place::Payload(message, length),
                        (more, value) => Place::Extended(message, more.saturating_sub(1), value),
                    }
                }
                Place::Payload(message, length) => {
                    // This byte, and as many more as are here.
                    let here = rest.len().min(usize::try_from(length.saturating_sub(1)).unwrap_or(usize::MAX));
                    bytes = rest.get(here..).unwrap_or_default();
                    let taken = u64::try_from(here).unwrap_or(u64::MAX).saturating_add(1);
                    match length.saturating_sub(taken) {
                        0 => end(message),
                        left => Place::Payload(message, left),
                    }
                }
            };
        }
        messages
    }
}

#[cfg(test)]
mod tests {
    use super::Frames;

    const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\r\n\r\n";

    fn frame(first: u8, length: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match length {
            0..126 => frame.push(u8::try_from(length).unwrap()),
            126..65_536 => frame.extend([&[126], u16::try_from(length).unwrap().to_be_bytes().as_slice()].concat()),
            _ => frame.extend([&[127], u64::try_from(length).unwrap().to_be_bytes().as_slice()].concat()),
        }
        frame.resize(frame.len() + length, 0x81);
        frame
    }

    #[test]
    fn messages_are_counted_however_the_bytes_are_cut() {
        let text = [0, 1, 125, 126, 65_535, 65_536].map(|length| frame(0x81, length)).concat();
        let control = [frame(0x89, 4), frame(0x8A, 4), frame(0x88, 2)].concat();
        // A message of two fragments, with a ping between them.
        let fragments = [frame(0x01, 10), frame(0x89, 0), frame(0x80, 10)].concat();
        let binary = frame(0x82, 300);
        let all = [HEAD, &text, &control, &fragments, &binary].concat();
        for size in [1, 2, 3, 7, 1000, all.len()] {
            let mut frames = Frames::new();
            let counted: u32 = all.chunks(size).map(|bytes| frames.messages_in(bytes)).sum();
            assert_eq!(counted, 6 + 1 + 1, "{size}");
        }
        assert_eq!(Frames::new().messages_in(HEAD), 0);
        let mut frames = Frames::new();
        assert_eq!(frames.messages_in(&[HEAD, &[0x81, 3, 1, 2]].concat()), 0);
        assert_eq!(frames.messages_in(&[3, 0x81]), 1);
    }
}
