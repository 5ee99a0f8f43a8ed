//! The canonical text of a type: by structure, with every named type expanded.
//!
//! A text is bounded while it is written, because a small component can name a type whose
//! expansion is as large as it likes. How deep types nest is bounded by wasmtime (100 levels).

use wasmtime::component::ResourceType;
use wasmtime::component::types::Type;

use super::Obstacle;

/// The rest of a text would exceed the limit.
struct TooLong;

/// Writes the types of one function.
pub(super) struct Writer<'a> {
    text: String,
    /// Resource types by the names under which they are known.
    resources: &'a [(String, ResourceType)],
    bytes_left: usize,
    written_bytes: usize,
    obstacles: Vec<Obstacle>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(resources: &'a [(String, ResourceType)], bytes_max: usize) -> Self {
        Self {
            text: String::new(),
            resources,
            bytes_left: bytes_max,
            written_bytes: 0,
            obstacles: Vec::new(),
        }
    }

    /// The text of a type; none if it exceeds what is left, and then of no further type either.
    pub(super) fn text(&mut self, ty: &Type) -> Option<String> {
        self.text.clear();
        let written = self.write(ty);
        if written.is_err() {
            self.bytes_left = 0;
            self.note(Obstacle::TooLong);
        }
        written.ok().map(|()| self.text.clone())
    }

    pub(super) fn written_bytes(&self) -> usize {
        self.written_bytes
    }

    pub(super) fn into_obstacles(self) -> Vec<Obstacle> {
        self.obstacles
    }

    fn note(&mut self, obstacle: Obstacle) {
        if !self.obstacles.contains(&obstacle) {
            self.obstacles.push(obstacle);
        }
    }

    fn put(&mut self, text: &str) -> Result<(), TooLong> {
        self.bytes_left = self.bytes_left.checked_sub(text.len()).ok_or(TooLong)?;
        self.written_bytes += text.len();
        self.text.push_str(text);
        Ok(())
    }

    fn write(&mut self, ty: &Type) -> Result<(), TooLong> {
        match ty {
            Type::Bool => self.put("bool"),
            Type::S8 => self.put("s8"),
            Type::U8 => self.put("u8"),
            Type::S16 => self.put("s16"),
            Type::U16 => self.put("u16"),
            Type::S32 => self.put("s32"),
            Type::U32 => self.put("u32"),
            Type::S64 => self.put("s64"),
            Type::U64 => self.put("u64"),
            Type::Float32 => self.put("f32"),
            Type::Float64 => self.put("f64"),
            Type::Char => self.put("char"),
            Type::String => self.put("string"),
            Type::List(list) => self.generic("list", [Some(list.ty())]),
            Type::FixedLengthList(list) => {
                self.put("list<")?;
                self.write(&list.ty())?;
                self.put(&format!(", {}>", list.len()))
            }
            Type::Map(map) => self.generic("map", [Some(map.key()), Some(map.value())]),
            Type::Tuple(tuple) => self.generic("tuple", tuple.types().map(Some)),
            Type::Option(option) => self.generic("option", [Some(option.ty())]),
            Type::Result(result) => match (result.ok(), result.err()) {
                (None, None) => self.put("result"),
                (ok, None) => self.generic("result", [ok]),
                (ok, err) => self.generic("result", [ok, err]),
            },
            Type::Record(record) => self.braced(
                "record",
                record.fields().map(|field| (field.name, Some(field.ty))),
                (": ", ""),
            ),
            Type::Variant(variant) => self.braced(
                "variant",
                variant.cases().map(|case| (case.name, case.ty)),
                ("(", ")"),
            ),
            Type::Enum(names) => {
                self.braced("enum", names.names().map(|name| (name, None)), ("", ""))
            }
            Type::Flags(names) => {
                self.braced("flags", names.names().map(|name| (name, None)), ("", ""))
            }
            Type::Own(_)
            | Type::Borrow(_)
            | Type::Future(_)
            | Type::Stream(_)
            | Type::ErrorContext => self.handle(ty),
        }
    }

    /// What stands for something else than its value, and so cannot leave its sandbox.
    fn handle(&mut self, ty: &Type) -> Result<(), TooLong> {
        match ty {
            Type::Own(resource) => self.resource("own<", resource),
            Type::Borrow(resource) => self.resource("borrow<", resource),
            Type::Future(future) => {
                self.note(Obstacle::Future);
                self.payload("future", future.ty())
            }
            Type::Stream(stream) => {
                self.note(Obstacle::Stream);
                self.payload("stream", stream.ty())
            }
            _ => {
                self.note(Obstacle::ErrorContext);
                self.put("error-context")
            }
        }
    }

    /// `own<NAME>`; a resource is known by no structure, only by the name in its interface.
    fn resource(&mut self, opening: &str, ty: &ResourceType) -> Result<(), TooLong> {
        self.note(Obstacle::Resource);
        let known = self.resources.iter().find(|(_, known)| known == ty);
        let name = known.map_or("resource", |(name, _)| name.as_str());
        self.put(opening)?;
        self.put(name)?;
        self.put(">")
    }

    fn payload(&mut self, name: &str, payload: Option<Type>) -> Result<(), TooLong> {
        match payload {
            Some(ty) => self.generic(name, [Some(ty)]),
            None => self.put(name),
        }
    }

    /// `name<a, _, b>`
    fn generic(
        &mut self,
        name: &str,
        types: impl IntoIterator<Item = Option<Type>>,
    ) -> Result<(), TooLong> {
        self.put(name)?;
        for (index, ty) in types.into_iter().enumerate() {
            self.put(if index == 0 { "<" } else { ", " })?;
            match ty {
                Some(ty) => self.write(&ty)?,
                None => self.put("_")?,
            }
        }
        self.put(">")
    }

    /// `name { a: u8, b: u8 }`; a member's type stands between the two marks.
    fn braced<'n>(
        &mut self,
        name: &str,
        members: impl Iterator<Item = (&'n str, Option<Type>)>,
        (before, after): (&str, &str),
    ) -> Result<(), TooLong> {
        self.put(name)?;
        for (index, (name, ty)) in members.enumerate() {
            self.put(if index == 0 { " { " } else { ", " })?;
            self.put(name)?;
            if let Some(ty) = ty {
                self.put(before)?;
                self.write(&ty)?;
                self.put(after)?;
            }
        }
        self.put(" }")
    }
}
