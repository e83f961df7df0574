//! A connection that somebody may cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// Passes on what comes in at a port of its own, until so many bytes have passed.
#[derive(Debug)]
pub(crate) struct Wire {
    port: u16,
    meter: Arc<Meter>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Bytes of all connections, both ways.
#[derive(Debug)]
struct Meter {
    passed: AtomicUsize,
    limit: AtomicUsize,
}

impl Meter {
    /// How many of `wanted` bytes may still pass.
    fn take(&self, wanted: usize) -> usize {
        let limit = self.limit.load(Ordering::Acquire);
        let before = self.passed.fetch_add(wanted, Ordering::AcqRel);
        wanted.min(limit.saturating_sub(before))
    }
}

impl Wire {
    /// A wire to a port of the loopback interface.
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("bound").port();
        let meter = Arc::new(Meter {
            passed: AtomicUsize::new(0),
            limit: AtomicUsize::new(usize::MAX),
        });
        let closing = Arc::new(AtomicBool::new(false));
        let (shared, end) = (Arc::clone(&meter), Arc::clone(&closing));
        let thread = std::thread::spawn(move || {
            for guest in listener.incoming().flatten() {
                if end.load(Ordering::Acquire) {
                    break;
                }
                let Ok(host) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                for (from, to) in [(&guest, &host), (&host, &guest)] {
                    let (from, to) = (from.try_clone(), to.try_clone());
                    let (from, to) = (from.expect("a socket"), to.expect("a socket"));
                    let meter = Arc::clone(&shared);
                    std::thread::spawn(move || pass(from, to, &meter));
                }
            }
        });
        Self {
            port,
            meter,
            closing,
            thread: Some(thread),
        }
    }

    /// Where it begins.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Cuts it, and what is connected later too, once so many further bytes have passed.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.meter.passed.store(0, Ordering::Release);
        self.meter.limit.store(bytes, Ordering::Release);
    }

    /// How many bytes wanted to pass since the limit was set.
    pub(crate) fn passed(&self) -> usize {
        self.meter.passed.load(Ordering::Acquire)
    }
}

/// Passes bytes on in one direction, until the end or until the meter says no: then both are cut off.
fn pass(mut from: TcpStream, mut to: TcpStream, meter: &Meter) {
    let mut bytes = [0; 4096];
    loop {
        let Ok(count @ 1..) = from.read(&mut bytes) else {
            // An end of one direction is passed on as such.
            drop(to.shutdown(Shutdown::Write));
            return;
        };
        let allowed = meter.take(count);
        let written = to.write_all(&bytes[..allowed]);
        if allowed < count || written.is_err() {
            drop(from.shutdown(Shutdown::Both));
            drop(to.shutdown(Shutdown::Both));
            return;
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
