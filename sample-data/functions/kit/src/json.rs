//! As much JSON as the functions need: whole numbers only, and no surrogate pairs in `\u` escapes.

use std::iter::Peekable;
use std::str::Chars;

const MAX_DEPTH: usize = 16;

pub enum Value {
    Null,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    pub fn field(&self, name: &str) -> Option<&Value> {
        let Value::Object(fields) = self else { return None };
        fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub fn text(&self, name: &str) -> Result<String, String> {
        match self.field(name) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(format!("{name} is not a text")),
        }
    }

    /// The number `name`, or `default` where it is left out.
    pub fn number_or(&self, name: &str, default: u64) -> Result<u64, String> {
        self.field(name).map_or(Ok(default), |_| self.number(name))
    }

    pub fn number(&self, name: &str) -> Result<u64, String> {
        match self.field(name) {
            Some(Value::Number(number)) => Ok(*number),
            _ => Err(format!("{name} is not a whole number")),
        }
    }
}

pub fn parse(text: &str) -> Result<Value, String> {
    let mut parser = Parser { chars: text.chars().peekable() };
    let value = parser.value(0)?;
    match parser.next() {
        None => Ok(value),
        Some(c) => Err(format!("unexpected {c:?} after the end")),
    }
}

/// An object that is not nested, from its names and values; the values are JSON.
pub fn object(fields: &[(&str, String)]) -> String {
    let members: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// `text` as a JSON string, quotes included.
pub fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

struct Parser<'a> {
    chars: Peekable<Chars<'a>>,
}

impl Parser<'_> {
    /// The next character that is not white space, left in place.
    fn peek(&mut self) -> Option<char> {
        while self.chars.next_if(|c| matches!(c, ' ' | '\t' | '\r' | '\n')).is_some() {}
        self.chars.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        self.peek();
        self.chars.next()
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        match self.next() {
            Some('{') => self.sequence('}', |parser| parser.member(depth)).map(Value::Object),
            Some('[') => self.sequence(']', |parser| parser.value(depth + 1)).map(Value::List),
            Some('"') => self.string().map(Value::Text),
            Some(c @ '0'..='9') => self.whole_number(c),
            Some('n') => self.word("ull", Value::Null),
            Some('t') => self.word("rue", Value::Bool(true)),
            Some('f') => self.word("alse", Value::Bool(false)),
            Some(c) => Err(format!("unexpected {c:?}")),
            None => Err("ends too early".to_string()),
        }
    }

    /// What stands between an opening bracket and `end`, separated by commas.
    fn sequence<T>(
        &mut self,
        end: char,
        mut one: impl FnMut(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut all = Vec::new();
        if self.peek() == Some(end) {
            self.next();
            return Ok(all);
        }
        loop {
            all.push(one(self)?);
            match self.next() {
                Some(',') => {}
                Some(c) if c == end => return Ok(all),
                Some(c) => return Err(format!("unexpected {c:?} instead of ',' or {end:?}")),
                None => return Err("ends too early".to_string()),
            }
        }
    }

    fn member(&mut self, depth: usize) -> Result<(String, Value), String> {
        self.expect('"')?;
        let name = self.string()?;
        self.expect(':')?;
        Ok((name, self.value(depth + 1)?))
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        match self.next() {
            Some(c) if c == wanted => Ok(()),
            Some(c) => Err(format!("unexpected {c:?} instead of {wanted:?}")),
            None => Err("ends too early".to_string()),
        }
    }

    /// The rest of a string whose opening quote is read.
    fn string(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.chars.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(c) if c >= ' ' => text.push(c),
                Some(_) => return Err("control character in a text".to_string()),
                None => return Err("ends too early".to_string()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        Ok(match self.chars.next() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('u') => {
                let code = (0..4).try_fold(0, |code, _| Some(code * 16 + self.chars.next()?.to_digit(16)?));
                code.and_then(char::from_u32).ok_or("bad \\u escape")?
            }
            _ => return Err("bad escape".to_string()),
        })
    }

    fn whole_number(&mut self, first: char) -> Result<Value, String> {
        let mut digits = String::from(first);
        while let Some(c) = self.chars.next_if(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E')) {
            digits.push(c);
        }
        if digits.len() > 1 && digits.starts_with('0') {
            return Err(format!("not a whole number: {digits}"));
        }
        digits.parse().map(Value::Number).map_err(|_| format!("not a whole number: {digits}"))
    }

    /// The rest of `null`, `true` or `false`.
    fn word(&mut self, rest: &str, value: Value) -> Result<Value, String> {
        if rest.chars().all(|wanted| self.chars.next() == Some(wanted)) {
            Ok(value)
        } else {
            Err("unknown word".to_string())
        }
    }
}
