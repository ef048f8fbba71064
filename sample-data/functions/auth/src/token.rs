//! A JSON Web Token: three parts, joined by dots, of which the last signs the others.

use hmac_sha256::HMAC;
use kit::json;

use crate::base64;

pub(crate) struct Claims {
    pub(crate) subject: String,
    pub(crate) scope: String,
    /// Seconds since 1970.
    pub(crate) expires_at: u64,
}

impl Claims {
    /// What `token` says, if `key` signed it and it is still good at `now`, in seconds since 1970.
    pub(crate) fn of(token: &str, key: &[u8], now: u64) -> Result<Claims, String> {
        let (signed, signature) = token.rsplit_once('.').ok_or("not a token")?;
        let (head, claims) = signed.split_once('.').ok_or("not a token")?;
        if part(head)?.text("alg")? != "HS256" {
            return Err("not signed with HS256".to_string());
        }
        let signature: [u8; 32] =
            base64::decoded(signature).and_then(|bytes| bytes.try_into().ok()).ok_or("the signature is malformed")?;
        // Takes the same time for each wrong signature.
        if !HMAC::verify(signed.as_bytes(), key, &signature) {
            return Err("the signature is wrong".to_string());
        }
        let value = part(claims)?;
        let claims =
            Claims { subject: value.text("sub")?, scope: value.text("scope")?, expires_at: value.number("exp")? };
        if claims.expires_at <= now {
            return Err(format!("expired {} seconds ago", now - claims.expires_at));
        }
        Ok(claims)
    }
}

/// The JSON in one part of a token.
fn part(text: &str) -> Result<json::Value, String> {
    let bytes = base64::decoded(text).ok_or("a part is not base64url")?;
    json::parse(&String::from_utf8(bytes).map_err(|_| "a part is not UTF-8")?)
}
