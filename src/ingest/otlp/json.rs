//! Writes OTLP's JSON as protobuf, by the tables of `schema`, as it is read: no tree of values is made. What OTLP rules:
//! ids are hex in any case, enumerations are numbers, 64-bit numbers may be texts, unknown names are passed over, null is
//! the same as absent.

use std::fmt::{self, Display};

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost::encoding::{WireType, encode_key, encode_varint};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::ingest::Error;

use super::schema::{Field, Kind, Message};

/// Bytes of a length that is written before it is known: padded, which protobuf allows.
const LENGTH_BYTES: usize = 5;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// The request as protobuf.
pub(super) fn to_protobuf(message: &'static Message, json: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(json.len());
    let mut reader = serde_json::Deserializer::from_slice(json);
    let written = Object { message, out: &mut out }.deserialize(&mut reader).and_then(|()| reader.end());
    written.map_err(|error| Error::Bad(format!("the body is not OTLP's JSON: {error}")))?;
    Ok(out)
}

/// Writes the fields of an object.
struct Object<'a> {
    message: &'static Message,
    out: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(Name(self.message))? {
            match field {
                Some(field) => map.next_value_seed(Value { field, in_list: false, out: self.out })?,
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }
}

/// Finds the field of a name; none for a name that is not known.
struct Name(&'static Message);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.fields.iter().find(|field| field.name == name))
    }
}

/// Writes a field, or an item of a repeated one.
struct Value<'a> {
    field: &'static Field,
    in_list: bool,
    out: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Value<'_> {
    fn wrong<E: serde::de::Error>(&self, given: impl Display) -> E {
        E::custom(format!("'{}' is {given}: it must be {}", self.field.name, self.field.kind.expected(self.in_list)))
    }

    fn key(&mut self, wire: WireType) {
        encode_key(self.field.number, wire, self.out);
    }

    fn varint(&mut self, value: u64) {
        self.key(WireType::Varint);
        encode_varint(value, self.out);
    }

    fn fixed64(&mut self, bytes: [u8; 8]) {
        self.key(WireType::SixtyFourBit);
        self.out.extend_from_slice(&bytes);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.key(WireType::LengthDelimited);
        encode_varint(bytes.len() as u64, self.out);
        self.out.extend_from_slice(bytes);
    }

    /// Whether a single value may stand here.
    fn is_single(&self) -> bool {
        let many =
            matches!(self.field.kind, Kind::Many(_) | Kind::Texts | Kind::Fixed64s | Kind::Uint64s | Kind::Doubles);
        many == self.in_list
    }

    /// Writes a whole number; none where it is out of the field's range, or the field is of another kind.
    fn whole(&mut self, value: i128) -> Option<()> {
        match self.field.kind {
            // A negative number is as long as one of 64 bits.
            Kind::Int32 => self.varint(i64::from(i32::try_from(value).ok()?).cast_unsigned()),
            Kind::Uint32 => self.varint(u64::from(u32::try_from(value).ok()?)),
            Kind::Sint32 => {
                let value = i32::try_from(value).ok()?;
                self.varint(u64::from(((value << 1) ^ (value >> 31)).cast_unsigned()));
            }
            Kind::Fixed32 => {
                let value = u32::try_from(value).ok()?;
                self.key(WireType::ThirtyTwoBit);
                self.out.extend_from_slice(&value.to_le_bytes());
            }
            Kind::Int64 => self.varint(i64::try_from(value).ok()?.cast_unsigned()),
            Kind::Uint64s => self.varint(u64::try_from(value).ok()?),
            Kind::Fixed64 | Kind::Fixed64s => self.fixed64(u64::try_from(value).ok()?.to_le_bytes()),
            Kind::Sfixed64 => self.fixed64(i64::try_from(value).ok()?.to_le_bytes()),
            #[expect(clippy::cast_precision_loss, reason = "the field holds a double, whatever was written")]
            Kind::Double | Kind::Doubles => self.fixed64((value as f64).to_le_bytes()),
            _ => return None,
        }
        Some(())
    }

    /// Writes a number that was written as a text; none where it is none.
    fn number(&mut self, text: &str) -> Option<()> {
        if let Kind::Double | Kind::Doubles = self.field.kind {
            let value: f64 = match text {
                "NaN" => f64::NAN,
                "Infinity" => f64::INFINITY,
                "-Infinity" => f64::NEG_INFINITY,
                _ => text.parse().ok().filter(|value: &f64| value.is_finite())?,
            };
            self.fixed64(value.to_le_bytes());
            return Some(());
        }
        self.whole(text.parse().ok()?)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.kind.expected(self.in_list))
    }

    fn visit_unit<E: serde::de::Error>(mut self) -> Result<(), E> {
        match self.field.kind {
            _ if !self.in_list => {}
            Kind::Many(_) => self.bytes(&[]),
            _ => return Err(self.wrong("null")),
        }
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(mut self, value: bool) -> Result<(), E> {
        match self.field.kind {
            Kind::Bool => self.varint(u64::from(value)),
            _ => return Err(self.wrong(value)),
        }
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(mut self, value: u64) -> Result<(), E> {
        if self.is_single() && self.whole(i128::from(value)).is_some() { Ok(()) } else { Err(self.wrong(value)) }
    }

    fn visit_i64<E: serde::de::Error>(mut self, value: i64) -> Result<(), E> {
        if self.is_single() && self.whole(i128::from(value)).is_some() { Ok(()) } else { Err(self.wrong(value)) }
    }

    fn visit_f64<E: serde::de::Error>(mut self, value: f64) -> Result<(), E> {
        match self.field.kind {
            Kind::Double | Kind::Doubles if self.is_single() => self.fixed64(value.to_le_bytes()),
            // Some write whole numbers as 3.0 or 1e9.
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and within 2^53")]
            _ if self.is_single() && value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 => {
                return self.whole(value as i128).ok_or_else(|| self.wrong(value));
            }
            _ => return Err(self.wrong(value)),
        }
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(mut self, text: &str) -> Result<(), E> {
        if !self.is_single() {
            return Err(self.wrong("a text"));
        }
        match self.field.kind {
            Kind::Text | Kind::Texts => self.bytes(text.as_bytes()),
            Kind::Id => self.bytes(&hex(text).ok_or_else(|| self.wrong(Shown(text)))?),
            Kind::Bytes => {
                let alphabet = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
                let read = GeneralPurpose::new(&alphabet, LENIENT).decode(text);
                self.bytes(&read.map_err(|_| self.wrong(Shown(text)))?);
            }
            _ => self.number(text).ok_or_else(|| self.wrong(Shown(text)))?,
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if self.is_single() {
            return Err(self.wrong("an array"));
        }
        while items.next_element_seed(Value { field: self.field, in_list: true, out: &mut *self.out })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        let (Kind::One(message) | Kind::Many(message)) = self.field.kind else { return Err(self.wrong("an object")) };
        if !self.is_single() {
            return Err(self.wrong("an object"));
        }
        self.key(WireType::LengthDelimited);
        let begins = self.out.len() + LENGTH_BYTES;
        self.out.resize(begins, 0);
        Object { message, out: &mut *self.out }.visit_map(map)?;
        let length = self.out.len() - begins;
        let places = self.out[begins - LENGTH_BYTES..begins].iter_mut();
        for (at, place) in places.enumerate() {
            let more = if at + 1 < LENGTH_BYTES { 0x80 } else { 0 };
            *place = u8::try_from((length >> (7 * at)) & 0x7f).map_err(A::Error::custom)? | more;
        }
        Ok(())
    }
}

impl Kind {
    fn expected(self, in_list: bool) -> &'static str {
        match self {
            Self::Many(_) | Self::Texts | Self::Fixed64s | Self::Uint64s | Self::Doubles if !in_list => "an array",
            Self::Text | Self::Texts => "a text",
            Self::Bool => "true or false",
            Self::Bytes => "base64",
            Self::Id => "hex digits, two for each byte",
            Self::Int32 | Self::Sint32 => "a whole number of 32 bits",
            Self::Uint32 | Self::Fixed32 => "a whole number from 0 to 4294967295",
            Self::Int64 | Self::Sfixed64 => "a whole number of 64 bits, or one as a text",
            Self::Fixed64 | Self::Fixed64s | Self::Uint64s => "a whole number from 0 to 2^64 - 1, or one as a text",
            Self::Double | Self::Doubles => "a number",
            Self::One(_) | Self::Many(_) => "an object",
        }
    }
}

/// A text as a message shows it: not all of a long one.
struct Shown<'a>(&'a str);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHARS: usize = 60;
        let end = self.0.char_indices().nth(CHARS).map_or(self.0.len(), |(at, _)| at);
        write!(f, "'{}{}'", &self.0[..end], if end < self.0.len() { "…" } else { "" })
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}
