//! Reads the names that a WebAssembly binary imports and exports, without compiling it. Whether it is valid is the
//! engine's to say (`check` for modules, `artifact` for components): this reads what it needs and stops at what it does
//! not know.

/// What a core module imports and exports.
#[derive(Debug, Default)]
pub(super) struct ModuleNames {
    /// Module and field of each import, and whether it is a function.
    pub(super) imports: Vec<(String, String, bool)>,
    /// Exported functions.
    pub(super) functions: Vec<String>,
}

/// What a component imports and exports at its outermost level.
#[derive(Debug, Default)]
pub(super) struct ComponentNames {
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
}

const HEADER_BYTES: usize = 8;
const CORE_IMPORTS: u8 = 2;
const CORE_EXPORTS: u8 = 7;
const COMPONENT_IMPORTS: u8 = 10;
const COMPONENT_EXPORTS: u8 = 11;
const FUNCTION: u8 = 0;

/// The names of a core module; none where it ends early or has something unknown.
pub(super) fn module(binary: &[u8]) -> Option<ModuleNames> {
    let mut names = ModuleNames::default();
    for_each_section(binary, |id, mut section| match id {
        CORE_IMPORTS => section.list(|section| {
            let (module, field) = (section.name()?, section.name()?);
            let kind = section.byte()?;
            section.skip_core_type(kind)?;
            names.imports.push((module, field, kind == FUNCTION));
            Some(())
        }),
        CORE_EXPORTS => section.list(|section| {
            let (name, kind) = (section.name()?, section.byte()?);
            section.number()?;
            if kind == FUNCTION {
                names.functions.push(name);
            }
            Some(())
        }),
        _ => Some(()),
    })?;
    Some(names)
}

/// The names of a component; none where it ends early or has something unknown.
pub(super) fn component(binary: &[u8]) -> Option<ComponentNames> {
    let mut names = ComponentNames::default();
    for_each_section(binary, |id, mut section| match id {
        COMPONENT_IMPORTS => section.list(|section| {
            names.imports.push(section.component_name()?);
            section.skip_component_type()
        }),
        COMPONENT_EXPORTS => section.list(|section| {
            names.exports.push(section.component_name()?);
            if section.byte()? == 0 {
                section.byte()?;
            }
            section.number()?;
            if section.byte()? == 1 { section.skip_component_type() } else { Some(()) }
        }),
        _ => Some(()),
    })?;
    Some(names)
}

fn for_each_section(binary: &[u8], mut visit: impl FnMut(u8, Bytes<'_>) -> Option<()>) -> Option<()> {
    let mut rest = Bytes(binary.get(HEADER_BYTES..)?);
    while !rest.0.is_empty() {
        let id = rest.byte()?;
        let length = usize::try_from(rest.number()?).ok()?;
        visit(id, Bytes(rest.take(length)?))?;
    }
    Some(())
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    /// LEB128 without sign, at most 64 bits (a signed one has the same length).
    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn name(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        (0..self.number()?).try_for_each(|_| item(self))
    }

    fn component_name(&mut self) -> Option<String> {
        match self.byte()? {
            0 | 1 => self.name(),
            _ => None,
        }
    }

    fn skip_core_type(&mut self, kind: u8) -> Option<()> {
        match kind {
            0 => {
                self.number()?;
            }
            1 => {
                self.skip_value_type()?;
                self.skip_limits()?;
            }
            2 => self.skip_limits()?,
            3 => {
                self.skip_value_type()?;
                self.byte()?;
            }
            4 => {
                self.byte()?;
                self.number()?;
            }
            _ => return None,
        }
        Some(())
    }

    /// One byte, or a reference type with a heap type behind it.
    fn skip_value_type(&mut self) -> Option<()> {
        if matches!(self.byte()?, 0x63 | 0x64) {
            self.number()?;
        }
        Some(())
    }

    fn skip_limits(&mut self) -> Option<()> {
        let flags = self.byte()?;
        self.number()?;
        if flags & 1 != 0 {
            self.number()?;
        }
        if flags & 8 != 0 {
            self.number()?;
        }
        Some(())
    }

    fn skip_component_type(&mut self) -> Option<()> {
        match self.byte()? {
            0 => {
                self.byte()?;
                self.number()?;
            }
            1 | 4 | 5 => {
                self.number()?;
            }
            3 => {
                if self.byte()? == 0 {
                    self.number()?;
                }
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_module() {
        let binary = wat::parse_str(
            r#"(module
                (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
                (import "env" "table" (table 1 10 funcref))
                (import "env" "memory" (memory 1 2))
                (import "env" "global" (global (mut i64)))
                (import "env" "foo" (func))
                (func (export "_start"))
                (memory (export "other") 1))"#,
        )
        .unwrap();
        let names = module(&binary).unwrap();
        let imports: Vec<_> = names.imports.iter().map(|(_, field, function)| (field.as_str(), *function)).collect();
        let expected = [("fd_write", true), ("table", false), ("memory", false), ("global", false), ("foo", true)];
        assert_eq!(imports, expected);
        assert_eq!(names.functions, ["_start"]);
    }

    #[test]
    fn names_of_a_component() {
        let binary = wat::parse_str(
            r#"(component
                (import "a:b/c@1.2.3" (instance $i (export "f" (func))))
                (import "f" (func (param "x" u32) (result string)))
                (type $t (func))
                (import "t" (type (eq $t)))
                (alias export $i "f" (func $f))
                (instance $out (export "f" (func $f)))
                (export "x:y/z@0.2.0" (instance $out)))"#,
        )
        .unwrap();
        let names = component(&binary).unwrap();
        assert_eq!(names.imports, ["a:b/c@1.2.3", "f", "t"]);
        assert_eq!(names.exports, ["x:y/z@0.2.0"]);
    }

    #[test]
    fn what_ends_early_is_not_read() {
        let binary = wat::parse_str(r#"(module (import "a" "b" (func)) (func (export "_start")))"#).unwrap();
        for length in HEADER_BYTES + 1..binary.len() {
            let _ = module(&binary[..length]);
            let _ = component(&binary[..length]);
        }
        assert!(module(&binary[..HEADER_BYTES + 3]).is_none());
    }
}
