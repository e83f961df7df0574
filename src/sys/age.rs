//! Encryption: the age format, with the keys that age has of its own (X25519).
//!
//! What is made here is text (armoured): no rule about line ends can damage it, and `age -d` reads it.

use super::fs::failed;
use super::tree;
use crate::error::{Error, Result};
use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::ExposeSecret as _;
use age::stream::StreamReader;
use age::{DecryptError, Decryptor, EncryptError, Encryptor, x25519};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// How an encrypted file begins: as text, and as age makes it by default.
const BEGINNINGS: [&[u8]; 2] = [
    b"-----BEGIN AGE ENCRYPTED FILE-----",
    b"age-encryption.org/v1",
];

/// Why a content cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It is for none of the keys.
    NoKey,
    /// It is no whole, genuine content.
    Damaged,
}

/// The keys that open what is encrypted for them.
#[derive(Default)]
pub struct Keys(Vec<x25519::Identity>);

/// Those that something is encrypted for.
pub struct Recipients(Vec<x25519::Recipient>);

impl fmt::Debug for Keys {
    /// Never a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipients({})", self.0.len())
    }
}

/// A new key: the secret line for its file, and its recipient.
pub fn generate() -> (String, String) {
    let key = x25519::Identity::generate();
    let recipient = key.to_public().to_string();
    (key.to_string().expose_secret().to_owned(), recipient)
}

/// Is it a recipient that something can be encrypted for?
pub fn is_recipient(text: &str) -> bool {
    text.parse::<x25519::Recipient>().is_ok()
}

/// Does it begin as something that is encrypted?
pub fn is_encrypted(head: &[u8]) -> bool {
    BEGINNINGS
        .iter()
        .any(|beginning| head.starts_with(beginning))
}

/// Does it also end as such a text?
pub fn is_whole(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_end();
    !text.starts_with(BEGINNINGS[0]) || text.ends_with(b"-----END AGE ENCRYPTED FILE-----")
}

/// Does a file begin so? `false` where there is none.
pub fn is_encrypted_file(path: &Path) -> Result<bool> {
    let head = super::fs::read_head(path, BEGINNINGS[0].len())?;
    Ok(head.is_some_and(|head| is_encrypted(&head)))
}

impl Keys {
    /// Reads the text of an identity file: a key a line, and comments; the number of a line that is
    /// neither as the error.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let mut keys = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            keys.push(line.parse().map_err(|_| number + 1)?);
        }
        Ok(Self(keys))
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The recipients of these keys.
    pub fn recipients(&self) -> Vec<String> {
        let recipients = self.0.iter().map(|key| key.to_public().to_string());
        recipients.collect()
    }

    /// Writes what `from` has in plain into `to`, or says why that is not possible.
    pub fn open(&self, from: impl Read, to: &mut impl Write) -> io::Result<Result<(), Closed>> {
        let mut plain = match self.decrypt(Decryptor::new_buffered(ArmoredReader::new(from)))? {
            Ok(plain) => plain,
            Err(closed) => return Ok(Err(closed)),
        };
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match plain.read(&mut buffer) {
                Ok(0) => return Ok(Ok(())),
                Ok(read) => to.write_all(&buffer[..read])?,
                Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
                // The disk said it, and not the content.
                Err(source) if source.raw_os_error().is_some() => return Err(source),
                Err(_) => return Ok(Err(Closed::Damaged)),
            }
        }
    }

    /// What a file has in plain, or why that cannot be read.
    pub(super) fn decrypt<R: Read>(
        &self,
        begun: Result<Decryptor<R>, DecryptError>,
    ) -> io::Result<Result<StreamReader<R>, Closed>> {
        let keys = self.0.iter().map(|key| key as &dyn age::Identity);
        match begun.and_then(|sealed| sealed.decrypt(keys)) {
            Ok(plain) => Ok(Ok(plain)),
            Err(DecryptError::NoMatchingKeys) => Ok(Err(Closed::NoKey)),
            Err(DecryptError::Io(source)) if source.raw_os_error().is_some() => Err(source),
            Err(_) => Ok(Err(Closed::Damaged)),
        }
    }

    /// The content of bytes in plain.
    pub fn open_bytes(&self, bytes: &[u8]) -> Result<Vec<u8>, Closed> {
        let mut plain = Vec::new();
        match self.open(bytes, &mut plain) {
            Ok(Ok(())) => Ok(plain),
            Ok(Err(closed)) => Err(closed),
            Err(_) => Err(Closed::Damaged),
        }
    }

    /// The digest of the content of a file in plain, which is written nowhere.
    pub fn digest(&self, path: &Path) -> Result<Result<String, Closed>> {
        let mut digest = tree::Digest::default();
        let opened = File::open(path).and_then(|file| self.open(file, &mut digest));
        let opened = opened.map_err(|source| failed("read", path, source))?;
        Ok(opened.map(|()| digest.finish()))
    }

    /// Makes a private file with the content of another one in plain.
    pub fn open_file(&self, from: &Path, to: &Path) -> Result<Result<(), Closed>> {
        let sealed = File::open(from).map_err(|source| failed("read", from, source))?;
        let mut plain = private(to)?;
        self.open(sealed, &mut plain)
            .map_err(|source| failed("write", to, source))
    }
}

impl Recipients {
    /// Those that are named; the first that is none as the error.
    pub fn parse<'t>(named: impl IntoIterator<Item = &'t str>) -> Result<Self, &'t str> {
        let parse = |name: &'t str| name.parse().map_err(|_| name);
        named
            .into_iter()
            .map(parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn encryptor(&self) -> io::Result<Encryptor> {
        let all = self
            .0
            .iter()
            .map(|recipient| recipient as &dyn age::Recipient);
        Encryptor::with_recipients(all).map_err(|error| match error {
            EncryptError::Io(source) => source,
            error => io::Error::other(error.to_string()),
        })
    }

    /// Writes what `from` has into `to`, encrypted for all of them.
    pub fn seal(&self, mut from: impl Read, to: impl Write) -> io::Result<()> {
        let sealing = self.encryptor()?;
        let armoured = ArmoredWriter::wrap_output(to, Format::AsciiArmor)?;
        let mut sealed = sealing.wrap_output(armoured)?;
        io::copy(&mut from, &mut sealed)?;
        sealed.finish()?.finish()?.flush()
    }

    /// Bytes, encrypted.
    pub fn seal_bytes(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = Vec::new();
        self.seal(bytes, &mut sealed)
            .map_err(|source| Error::failed("cannot encrypt").because(source))?;
        Ok(sealed)
    }

    /// Makes a private file with the content of another one, encrypted.
    pub fn seal_file(&self, from: &Path, to: &Path) -> Result<()> {
        let plain = File::open(from).map_err(|source| failed("read", from, source))?;
        let mut sealed = private(to)?;
        self.seal(plain, &mut sealed)
            .map_err(|source| failed("write", to, source))
    }
}

/// A new file that nobody else can read.
fn private(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| failed("create", path, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged, damaged_text, text};
    use proptest::prelude::*;

    fn sealed(keys: &[&str], text: &[u8]) -> Vec<u8> {
        let recipients = Recipients::parse(keys.iter().copied()).expect("recipients");
        recipients.seal_bytes(text).expect("sealed")
    }

    #[test]
    fn what_is_sealed_is_opened_by_each_recipient_and_by_nobody_else() {
        let [(a, for_a), (b, for_b), (c, _)] = [generate(), generate(), generate()];
        let text = sealed(&[&for_a, &for_b], b"secret\n");
        assert!(is_encrypted(&text) && text.is_ascii());
        for key in [a, b] {
            let keys = Keys::parse(&format!("# mine\n\n{key}\n")).expect("a key");
            assert_eq!(keys.open_bytes(&text), Ok(b"secret\n".to_vec()));
        }
        let other = Keys::parse(&c).expect("a key");
        assert_eq!(other.open_bytes(&text), Err(Closed::NoKey));
        assert_eq!(Keys::default().open_bytes(&text), Err(Closed::NoKey));
    }

    #[test]
    fn what_is_damaged_anywhere_is_never_taken_for_a_content() {
        let (key, recipient) = generate();
        let keys = Keys::parse(&key).expect("a key");
        let text = sealed(&[&recipient], &[7; 100]);
        for cut in 0..text.len() - 1 {
            assert!(keys.open_bytes(&text[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..text.len() - 1 {
            let mut other = text.clone();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            if other != text {
                assert_ne!(keys.open_bytes(&other), Ok(vec![0; 100]), "changed at {at}");
                assert!(keys.open_bytes(&other).is_err(), "changed at {at}");
            }
        }
    }

    #[test]
    fn line_ends_of_another_system_do_no_harm() {
        let (key, recipient) = generate();
        let keys = Keys::parse(&key).expect("a key");
        let text = String::from_utf8(sealed(&[&recipient], b"x")).expect("text");
        let text = text.replace('\n', "\r\n");
        assert_eq!(keys.open_bytes(text.as_bytes()), Ok(b"x".to_vec()));
    }

    #[test]
    fn lines_that_are_no_keys_are_named_by_number() {
        let (key, recipient) = generate();
        assert_eq!(Keys::parse(&format!("{key}\n{recipient}\n")).err(), Some(2));
        assert!(is_recipient(&recipient) && !is_recipient(&key) && !is_recipient("age1x"));
        assert_eq!(Recipients::parse([&*recipient, "x"]).err(), Some("x"));
        assert_eq!(Keys::parse(&key).expect("a key").recipients(), [recipient]);
    }

    proptest! {
        #![proptest_config(crate::testing::one_in(8))]
        #[test]
        fn keys_of_anything_are_read_or_refused_by_their_line(text in text(), other in damaged_text(format!("# mine\n{}\n", generate().0))) {
            for text in [text, other] {
                if let Err(line) = Keys::parse(&text) {
                    prop_assert!((1..=text.lines().count()).contains(&line));
                }
                is_recipient(&text);
            }
        }
    }

    #[test]
    fn what_is_damaged_is_opened_as_it_was_or_not_at_all() {
        let (key, recipient) = generate();
        let keys = Keys::parse(&key).expect("a key");
        let whole = sealed(&[&recipient], b"secret\n");
        let mut runner = proptest::test_runner::TestRunner::new(crate::testing::one_in(8));
        runner
            .run(&(bytes(), damaged(whole)), |(noise, harm)| {
                prop_assert!(keys.open_bytes(&noise).is_err());
                if let Ok(plain) = keys.open_bytes(&harm) {
                    prop_assert_eq!(plain, b"secret\n");
                }
                is_whole(&harm);
                Ok(())
            })
            .expect("it holds");
    }
}
