//! Tokens whose form their makers have fixed, so that they can be told from anything else.
//!
//! Each form is as its maker documents it: a fixed beginning, then so many letters of an alphabet.
//! Forms without a beginning of their own are not here: an entropy alone is also that of checksums.

use super::{Spot, entropy, is_placeholder};

/// Random letters say at least so much each; what people make up says less.
const RANDOM: f64 = 2.8;

/// The letters that a token is made of.
#[derive(Clone, Copy)]
enum Of {
    /// `A-Z0-9`
    Upper,
    /// `0-9a-f`
    Hex,
    /// `0-9`
    Digits,
    /// `A-Za-z0-9`
    Alnum,
    /// `A-Za-z0-9_-`
    Url,
    /// `A-Za-z0-9+/=`
    Base64,
}

impl Of {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Digits => byte.is_ascii_digit(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
        }
    }
}

/// A fixed text, and so many letters after it.
struct Part(&'static str, Of, usize, usize);

/// What a form is of, and its parts.
struct Form(&'static str, &'static [Part]);

/// No upper limit.
const ANY: usize = usize::MAX;

const fn one(what: &'static str, part: &'static [Part; 1]) -> Form {
    Form(what, part)
}

/// Every form that is known, by maker.
const FORMS: &[Form] = &[
    // AWS, "IAM identifiers": unique ids begin with four letters that tell their kind.
    one("an AWS access key id", &[Part("AKIA", Of::Upper, 16, 16)]),
    one("an AWS access key id", &[Part("ASIA", Of::Upper, 16, 16)]),
    // GitHub, "token formats".
    one("a GitHub token", &[Part("ghp_", Of::Alnum, 36, 251)]),
    one("a GitHub token", &[Part("gho_", Of::Alnum, 36, 251)]),
    one("a GitHub token", &[Part("ghu_", Of::Alnum, 36, 251)]),
    one("a GitHub token", &[Part("ghs_", Of::Alnum, 36, 251)]),
    one("a GitHub token", &[Part("ghr_", Of::Alnum, 36, 251)]),
    one("a GitHub token", &[Part("github_pat_", Of::Url, 60, 255)]),
    // GitLab, "token prefixes".
    one("a GitLab token", &[Part("glpat-", Of::Url, 20, ANY)]),
    one("a GitLab token", &[Part("gldt-", Of::Url, 20, ANY)]),
    one("a GitLab token", &[Part("glptt-", Of::Url, 20, ANY)]),
    one("a GitLab token", &[Part("glrt-", Of::Url, 20, ANY)]),
    one("a GitLab token", &[Part("glcbt-", Of::Url, 20, ANY)]),
    one("a GitLab token", &[Part("glagent-", Of::Url, 40, ANY)]),
    // Slack, "token types" and "incoming webhooks".
    one("a Slack token", &[Part("xoxb-", Of::Url, 20, ANY)]),
    one("a Slack token", &[Part("xoxp-", Of::Url, 20, ANY)]),
    one("a Slack token", &[Part("xoxa-", Of::Url, 20, ANY)]),
    one("a Slack token", &[Part("xoxr-", Of::Url, 20, ANY)]),
    one("a Slack token", &[Part("xoxs-", Of::Url, 20, ANY)]),
    one("a Slack token", &[Part("xoxe-", Of::Url, 20, ANY)]),
    one("a Slack token", &[Part("xapp-", Of::Url, 20, ANY)]),
    Form(
        "a Slack webhook",
        &[
            Part("hooks.slack.com/services/T", Of::Alnum, 6, 16),
            Part("/B", Of::Alnum, 6, 16),
            Part("/", Of::Alnum, 20, 48),
        ],
    ),
    // Google, "API keys" and "OAuth 2.0".
    one("a Google API key", &[Part("AIza", Of::Url, 35, 35)]),
    one(
        "a Google client secret",
        &[Part("GOCSPX-", Of::Url, 28, 28)],
    ),
    one("a Google access token", &[Part("ya29.", Of::Url, 40, ANY)]),
    // Stripe, "API keys".
    one("a Stripe key", &[Part("sk_live_", Of::Alnum, 20, 247)]),
    one("a Stripe key", &[Part("rk_live_", Of::Alnum, 20, 247)]),
    one("a Stripe key", &[Part("sk_test_", Of::Alnum, 20, 247)]),
    one(
        "a Stripe webhook secret",
        &[Part("whsec_", Of::Base64, 32, 64)],
    ),
    // Package registries.
    one("an npm token", &[Part("npm_", Of::Alnum, 36, 36)]),
    one("a PyPI token", &[Part("pypi-AgE", Of::Url, 50, ANY)]),
    one("a RubyGems key", &[Part("rubygems_", Of::Hex, 48, 48)]),
    one("a Rust registry token", &[Part("cio", Of::Alnum, 32, 32)]),
    one("a Docker Hub token", &[Part("dckr_pat_", Of::Url, 20, ANY)]),
    // Models.
    one("an Anthropic key", &[Part("sk-ant-", Of::Url, 40, ANY)]),
    one("an OpenAI key", &[Part("sk-proj-", Of::Url, 40, ANY)]),
    one("an OpenAI key", &[Part("sk-svcacct-", Of::Url, 40, ANY)]),
    one("an API key", &[Part("sk-", Of::Alnum, 40, 64)]),
    one("a Hugging Face token", &[Part("hf_", Of::Alnum, 34, 40)]),
    // Clouds and their tools.
    one("a DigitalOcean token", &[Part("dop_v1_", Of::Hex, 64, 64)]),
    one("a DigitalOcean token", &[Part("doo_v1_", Of::Hex, 64, 64)]),
    one("a Vault token", &[Part("hvs.", Of::Url, 24, ANY)]),
    one("a Terraform token", &[Part(".atlasv1.", Of::Url, 60, ANY)]),
    one("a Databricks token", &[Part("dapi", Of::Hex, 32, 34)]),
    one("a Doppler token", &[Part("dp.pt.", Of::Alnum, 40, 44)]),
    one("a Pulumi token", &[Part("pul-", Of::Hex, 40, 40)]),
    one(
        "a PlanetScale token",
        &[Part("pscale_tkn_", Of::Url, 32, ANY)],
    ),
    one("a Supabase token", &[Part("sbp_", Of::Hex, 40, 40)]),
    one("a Heroku key", &[Part("HRKU-", Of::Url, 36, ANY)]),
    one("a Tailscale key", &[Part("tskey-", Of::Url, 20, ANY)]),
    one("a Grafana token", &[Part("glsa_", Of::Url, 36, ANY)]),
    one("a Grafana token", &[Part("glc_", Of::Base64, 40, ANY)]),
    one("a New Relic key", &[Part("NRAK-", Of::Upper, 27, 27)]),
    one("a Sentry token", &[Part("sntryu_", Of::Hex, 64, 64)]),
    one(
        "a 1Password token",
        &[Part("ops_eyJ", Of::Base64, 100, ANY)],
    ),
    // Work.
    one("an Atlassian token", &[Part("ATATT3", Of::Base64, 40, ANY)]),
    one("a Linear key", &[Part("lin_api_", Of::Alnum, 40, 40)]),
    one("a Notion token", &[Part("ntn_", Of::Alnum, 40, 60)]),
    one("a Postman key", &[Part("PMAK-", Of::Url, 50, 64)]),
    one("a Shopify token", &[Part("shpat_", Of::Hex, 32, 32)]),
    Form(
        "a SendGrid key",
        &[Part("SG.", Of::Url, 22, 22), Part(".", Of::Url, 43, 43)],
    ),
    // Telegram, "authorizing your bot": the number of the bot comes first.
    one("a Telegram bot token", &[Part(":AA", Of::Url, 33, 33)]),
    // age, "the age file encryption format": Bech32.
    one("an age key", &[Part("AGE-SECRET-KEY-1", Of::Upper, 58, 58)]),
    // RFC 7519, signed: three parts, of which two begin with the letters of `{"`.
    Form(
        "a JSON web token",
        &[
            Part("eyJ", Of::Url, 10, ANY),
            Part(".eyJ", Of::Url, 10, ANY),
            Part(".", Of::Url, 20, ANY),
        ],
    ),
];

/// The bytes that a form begins with.
const FIRST: [bool; 256] = {
    let mut first = [false; 256];
    let mut form = 0;
    while form < FORMS.len() {
        first[FORMS[form].1[0].0.as_bytes()[0] as usize] = true;
        form += 1;
    }
    first
};

/// Finds them in `text`.
pub(super) fn find(text: &[u8], spots: &mut Vec<Spot>) {
    let mut at = 0;
    while at < text.len() {
        match FIRST[usize::from(text[at])]
            .then(|| token_at(text, at))
            .flatten()
        {
            Some(spot) => {
                at = spot.at.end;
                spots.push(spot);
            }
            None => at += 1,
        }
    }
}

fn token_at(text: &[u8], at: usize) -> Option<Spot> {
    let before = at.checked_sub(1).map(|before| text[before]);
    let in_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if text[at].is_ascii_alphanumeric() && before.is_some_and(in_word) {
        return None;
    }
    FORMS.iter().find_map(|form| {
        let end = end_of(&text[at..], form.1)? + at;
        let is_telegram = text[at] == b':';
        if is_telegram && !before.is_some_and(|byte| Of::Digits.has(byte)) {
            return None;
        }
        Some(Spot {
            what: form.0,
            at: at..end,
        })
    })
}

/// Where the token ends that `text` begins with.
fn end_of(text: &[u8], parts: &[Part]) -> Option<usize> {
    let mut end = 0;
    for Part(fixed, of, least, most) in parts {
        let rest = text[end..].strip_prefix(fixed.as_bytes())?;
        let length = rest.iter().take_while(|byte| of.has(**byte)).count();
        let random = &rest[..length];
        let fits = (*least..=*most).contains(&length);
        if !fits || entropy(random) < bits(length) || is_placeholder(random) {
            return None;
        }
        end += fixed.len() + length;
    }
    Some(end)
}

/// What so many letters can say at least, if they are random: few of them may well repeat.
fn bits(length: usize) -> f64 {
    if length < 16 { 1.5 } else { RANDOM }
}
