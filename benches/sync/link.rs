//! A slow link on the loopback device: a relay that holds everything back for half a round trip
//! each way.
//!
//! Chunks are stamped when they arrive and sent when they are due, so that many may be under way
//! at once as on a real link. A connection is answered as late as TCP's own handshake would be:
//! the client's first bytes count from one round trip after its `connect`, and the server hears of
//! the connection half a round trip after that. Nagle's algorithm, which waits for far
//! acknowledgements, is done over by hand: the loopback device acknowledges at once. ssh leaves it on
//! until somebody is logged in, and switches it off at both ends for the first session
//! (`TCP_NODELAY` in an strace of OpenSSH 9.2). Bandwidth, slow start and loss are not modelled.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::sandbox::Outcome;

/// Starts the relay to `port` for the rest of the process; returns the port it listens on.
pub(crate) fn open(port: u16, round_trip: Duration) -> Outcome<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| format!("relay: {error}"))?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("relay: {error}"))?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || relay(client, port, round_trip));
        }
    });
    Ok(address.port())
}

/// Carries one connection. An error ends it for both ends, as a broken link would.
fn relay(client: TcpStream, port: u16, round_trip: Duration) {
    let one_way = round_trip / 2;
    thread::sleep(round_trip);
    let Ok(client_reader) = client.try_clone() else {
        return;
    };
    let session = Arc::new(AtomicBool::new(false));
    let login = Some(Login::default());
    let upward = held_back(client_reader, Departures::new(one_way, &session), login);
    thread::sleep(one_way);
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return;
    };
    let Ok(server_reader) = server.try_clone() else {
        return;
    };
    let downward = held_back(server_reader, Departures::new(one_way, &session), None);
    thread::spawn(move || deliver(&upward, server));
    deliver(&downward, client);
}

/// Bytes with the time at which they reach the other end; none for the end of the stream.
type Chunk = (Instant, Option<Vec<u8>>);

/// Reads `from` to its end on a thread of its own, stamping what arrives and watching for the login.
fn held_back(
    from: TcpStream,
    mut departures: Departures,
    mut login: Option<Login>,
) -> Receiver<Chunk> {
    let (sender, receiver) = channel();
    thread::spawn(move || stamp(from, &sender, &mut departures, login.as_mut()));
    receiver
}

/// Sends every chunk of `from` on to `sender` with its due time.
fn stamp(
    mut from: TcpStream,
    sender: &Sender<Chunk>,
    departures: &mut Departures,
    mut login: Option<&mut Login>,
) {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = from.read(&mut buffer).unwrap_or(0);
        let bytes = &buffer[..read];
        if login.as_mut().is_some_and(|login| login.is_over(bytes)) {
            departures.session.store(true, Ordering::Relaxed);
        }
        let (full, tail) = bytes.split_at(bytes.len() - bytes.len() % SEGMENT);
        for part in [full, tail].into_iter().filter(|part| !part.is_empty()) {
            let due = departures.due(part.len() < SEGMENT);
            if sender.send((due, Some(part.to_vec()))).is_err() {
                return;
            }
        }
        if bytes.is_empty() {
            // Nobody listens any more if it fails, and then nobody waits for the end either.
            sender.send((departures.due(false), None)).ok();
            return;
        }
    }
}

/// Bytes of a full TCP segment on an Ethernet.
const SEGMENT: usize = 1448;

/// How far the client of a connection is with logging in.
#[derive(Debug, Default)]
struct Login {
    /// What it said since the encryption began; `None` before.
    said: Option<u32>,
}

impl Login {
    /// What a client says, encrypted, before its first session: that it wants to log in, who it is,
    /// which key it has, the signature, the session itself.
    const WORDS: u32 = 5;

    /// Has it, with `bytes`, begun a session?
    fn is_over(&mut self, bytes: &[u8]) -> bool {
        /// `SSH_MSG_NEWKEYS`, the last message that is not encrypted: RFC 4253, section 7.3.
        const NEWKEYS: u8 = 21;
        if let Some(said) = &mut self.said {
            *said += 1;
            return *said >= Self::WORDS;
        }
        self.said = (bytes.len() == 16 && bytes[5] == NEWKEYS).then_some(0);
        false
    }
}

/// When the segments of one direction leave.
#[derive(Debug)]
struct Departures {
    /// Has a session begun? Then nothing waits for acknowledgements any more.
    session: Arc<AtomicBool>,
    /// How long a segment is under way.
    one_way: Duration,
    /// When the last one left or leaves.
    last: Instant,
    /// When the acknowledgement of the last small one is back.
    acknowledged: Instant,
}

impl Departures {
    /// Nothing has left yet.
    fn new(one_way: Duration, session: &Arc<AtomicBool>) -> Self {
        let now = Instant::now();
        Self {
            session: Arc::clone(session),
            one_way,
            last: now,
            acknowledged: now,
        }
    }

    /// When a segment that is ready now arrives. A small one waits until the one before it has
    /// been acknowledged; what is ready by then leaves together.
    fn due(&mut self, small: bool) -> Instant {
        let now = Instant::now();
        let joins_waiting = self.last > now;
        if small && !joins_waiting && !self.session.load(Ordering::Relaxed) {
            self.last = now.max(self.acknowledged);
            self.acknowledged = self.last + self.one_way * 2;
        }
        self.last = self.last.max(now);
        self.last + self.one_way
    }
}

/// Writes every chunk when it is due.
fn deliver(chunks: &Receiver<Chunk>, mut to: TcpStream) {
    // Without it the kernel would hold small chunks back a second time.
    if to.set_nodelay(true).is_err() {
        return;
    }
    for (due, bytes) in chunks {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let Some(bytes) = bytes else {
            // An error means that the other end has left before.
            to.shutdown(Shutdown::Write).ok();
            return;
        };
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
}
