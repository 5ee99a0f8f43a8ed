//! The core module behind a denial: every function of the refused interfaces answers at once, as
//! far as its result can say that it is refused, and otherwise traps.
//!
//! An error is chosen among those that the interfaces of WASI and Spin have for what is not
//! permitted; a list is empty and an option none, which is how a component without environment
//! and files looks. Which interfaces are refused is left to [`super::denial`].

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, Instruction, MemorySection, MemoryType, Module, TypeSection,
    ValType,
};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{
    LiftLowerAbi, ManglingAndAbi, Resolve, SizeAlign, Type, TypeDefKind, WasmExport,
    WasmExportKind, WorldId, WorldItem, WorldKey,
};

const ABI: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
const PAGE_BYTES: u32 = 64 * 1024;
/// Where the answers begin: address 0 means nothing to many.
const ANSWERS: u32 = 16;
/// The strictest alignment of the canonical ABI.
const ALIGNMENT: u32 = 8;

/// Cases of errors that say that something is not permitted, the plainest first.
const REFUSING_CASES: [&str; 10] = [
    "access-denied",
    "destination-not-allowed",
    "undefined",
    "model-not-supported",
    "other",
    "other-error",
    "internal-error",
    "io",
    "error",
    "unknown",
];

/// The module for a world that exports the refused interfaces.
pub(super) fn module(resolve: &Resolve, world: WorldId) -> Vec<u8> {
    let mut sizes = SizeAlign::default();
    sizes.fill(resolve);
    let mut answers = Answers {
        resolve,
        sizes,
        memory: Vec::new(),
    };
    let mut functions = Functions::default();
    let exports = resolve.worlds.get(world).map(|world| &world.exports);
    for (key, item) in exports.into_iter().flatten() {
        if let WorldItem::Interface { id, .. } = item {
            let interface = resolve.interfaces.get(*id);
            for function in interface.iter().flat_map(|it| it.functions.values()) {
                functions.add_refusal(&mut answers, key, function);
            }
        }
    }
    functions.finish(&answers)
}

/// Every function of the module and its parts.
#[derive(Default)]
struct Functions {
    types: TypeSection,
    functions: FunctionSection,
    exports: ExportSection,
    bodies: Vec<Body>,
}

/// What a function does.
enum Body {
    Trap,
    /// Gives its arguments' memory back and answers with this number: the result itself, or where
    /// it lies.
    Answer(u32),
}

impl Functions {
    fn add_refusal(
        &mut self,
        answers: &mut Answers<'_>,
        key: &WorldKey,
        function: &wit_parser::Function,
    ) {
        let signature = answers
            .resolve
            .wasm_signature(AbiVariant::GuestExport, function);
        let text = format!(
            "{} is not inherited by this dependency",
            answers.resolve.name_world_key(key)
        );
        let result = function.result.as_ref();
        let answer = result.and_then(|result| {
            if signature.retptr {
                answers.refusal(result, &text)
            } else {
                answers.is_bare_result(result).then_some(1)
            }
        });
        let export = WasmExport::Func {
            interface: Some(key),
            func: function,
            kind: WasmExportKind::Normal,
        };
        let name = answers.resolve.wasm_export_name(ABI, export);
        let flat = |types: &[WasmType]| types.iter().map(flat).collect::<Vec<_>>();
        self.add(
            &name,
            flat(&signature.params),
            flat(&signature.results),
            answer.map_or(Body::Trap, Body::Answer),
        );
    }

    fn add(&mut self, name: &str, params: Vec<ValType>, results: Vec<ValType>, body: Body) {
        let index = self.functions.len();
        self.types.ty().function(params, results);
        self.functions.function(index);
        self.exports.export(name, ExportKind::Func, index);
        self.bodies.push(body);
    }

    fn finish(mut self, answers: &Answers<'_>) -> Vec<u8> {
        let length = u32::try_from(answers.memory.len()).unwrap_or(u32::MAX);
        let heap = (ANSWERS + length).next_multiple_of(ALIGNMENT);
        let mut code = CodeSection::new();
        for body in &self.bodies {
            code.function(&refusing(body, heap));
        }
        let name = answers.resolve.wasm_export_name(ABI, WasmExport::Realloc);
        let index = self.functions.len();
        self.types.ty().function([ValType::I32; 4], [ValType::I32]);
        self.functions.function(index);
        self.exports.export(&name, ExportKind::Func, index);
        code.function(&reallocate());
        let name = answers.resolve.wasm_export_name(ABI, WasmExport::Memory);
        self.exports.export(&name, ExportKind::Memory, 0);

        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: u64::from(heap.div_ceil(PAGE_BYTES)),
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut globals = GlobalSection::new();
        let next = GlobalType {
            val_type: ValType::I32,
            mutable: true,
            shared: false,
        };
        globals.global(next, &ConstExpr::i32_const(heap.cast_signed()));
        let mut data = DataSection::new();
        let place = ConstExpr::i32_const(ANSWERS.cast_signed());
        data.active(0, &place, answers.memory.iter().copied());
        let mut module = Module::new();
        module
            .section(&self.types)
            .section(&self.functions)
            .section(&memories)
            .section(&globals)
            .section(&self.exports)
            .section(&code)
            .section(&data);
        module.finish()
    }
}

fn flat(ty: &WasmType) -> ValType {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}

fn refusing(body: &Body, heap: u32) -> Function {
    let mut function = Function::new([]);
    match body {
        Body::Trap => {
            function.instruction(&Instruction::Unreachable);
        }
        Body::Answer(answer) => {
            function.instruction(&Instruction::I32Const(heap.cast_signed()));
            function.instruction(&Instruction::GlobalSet(0));
            function.instruction(&Instruction::I32Const(answer.cast_signed()));
        }
    }
    function.instruction(&Instruction::End);
    function
}

/// The allocator for the arguments of one call, which the call gives back as a whole: parameters
/// are the old address, the old size, the alignment and the new size.
fn reallocate() -> Function {
    const OLD: u32 = 0;
    const OLD_SIZE: u32 = 1;
    const ALIGN: u32 = 2;
    const SIZE: u32 = 3;
    const ADDRESS: u32 = 4;
    let mut function = Function::new([(1, ValType::I32)]);
    let page_bits = PAGE_BYTES.trailing_zeros().cast_signed();
    for instruction in [
        // The address: the next free byte, rounded up to the alignment, which is a power of two.
        Instruction::GlobalGet(0),
        Instruction::LocalGet(ALIGN),
        Instruction::I32Add,
        Instruction::I32Const(1),
        Instruction::I32Sub,
        Instruction::I32Const(0),
        Instruction::LocalGet(ALIGN),
        Instruction::I32Sub,
        Instruction::I32And,
        Instruction::LocalTee(ADDRESS),
        Instruction::LocalGet(SIZE),
        Instruction::I32Add,
        Instruction::GlobalSet(0),
        // As many pages more as the size has, which is enough wherever it begins.
        Instruction::GlobalGet(0),
        Instruction::MemorySize(0),
        Instruction::I32Const(page_bits),
        Instruction::I32Shl,
        Instruction::I32GtU,
        Instruction::If(wasm_encoder::BlockType::Empty),
        Instruction::LocalGet(SIZE),
        Instruction::I32Const(page_bits),
        Instruction::I32ShrU,
        Instruction::I32Const(1),
        Instruction::I32Add,
        Instruction::MemoryGrow(0),
        Instruction::I32Const(-1),
        Instruction::I32Eq,
        Instruction::If(wasm_encoder::BlockType::Empty),
        Instruction::Unreachable,
        Instruction::End,
        Instruction::End,
        // What was there before, when a text turns out to be longer than was thought. A text that
        // turns out to be shorter is asked for with less than it had.
        Instruction::LocalGet(ADDRESS),
        Instruction::LocalGet(OLD),
        Instruction::LocalGet(OLD_SIZE),
        Instruction::LocalGet(SIZE),
        Instruction::LocalGet(OLD_SIZE),
        Instruction::LocalGet(SIZE),
        Instruction::I32LtU,
        Instruction::Select,
        Instruction::MemoryCopy {
            src_mem: 0,
            dst_mem: 0,
        },
        Instruction::LocalGet(ADDRESS),
        Instruction::End,
    ] {
        function.instruction(&instruction);
    }
    function
}

/// The answers that lie in the module's memory from the start.
struct Answers<'r> {
    resolve: &'r Resolve,
    sizes: SizeAlign,
    /// The memory from [`ANSWERS`] on.
    memory: Vec<u8>,
}

impl Answers<'_> {
    /// The address of a value that refuses, if the type has one.
    fn refusal(&mut self, result: &Type, text: &str) -> Option<u32> {
        let before = self.memory.len();
        let size = self.sizes.size(result).size_wasm32();
        let address = self.reserve(size)?;
        let filled = self.fill(result, address, text);
        if filled.is_none() {
            self.memory.truncate(before);
        }
        filled.map(|()| address)
    }

    fn reserve(&mut self, bytes: usize) -> Option<u32> {
        let alignment = usize::try_from(ALIGNMENT).ok()?;
        let start = self.memory.len().next_multiple_of(alignment);
        self.memory.resize(start + bytes, 0);
        u32::try_from(start).ok()?.checked_add(ANSWERS)
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Option<()> {
        let start = usize::try_from(address.checked_sub(ANSWERS)?).ok()?;
        let place = self.memory.get_mut(start..start + bytes.len())?;
        place.copy_from_slice(bytes);
        Some(())
    }

    /// What a function answers: an error, nothing, or an empty list, all of which but the error are
    /// zeros.
    fn fill(&mut self, ty: &Type, address: u32, text: &str) -> Option<()> {
        match self.kind(ty)? {
            TypeDefKind::List(_) | TypeDefKind::Option(_) => Some(()),
            TypeDefKind::Result(result) => {
                self.write(address, &[1])?;
                let Some(error) = result.err else {
                    return Some(());
                };
                let cases = [result.ok.as_ref(), result.err.as_ref()];
                let offset = self.sizes.payload_offset(wit_parser::Int::U8, cases);
                let payload = address + u32::try_from(offset.size_wasm32()).ok()?;
                self.fill_error(&error, payload, text)
            }
            _ => None,
        }
    }

    /// An error that says that something is not permitted.
    fn fill_error(&mut self, ty: &Type, address: u32, text: &str) -> Option<()> {
        if *ty == Type::String {
            let bytes = u32::try_from(text.len()).ok()?;
            let place = self.reserve(text.len())?;
            self.write(place, text.as_bytes())?;
            self.write(address, &place.to_le_bytes())?;
            return self.write(address + 4, &bytes.to_le_bytes());
        }
        match self.kind(ty)? {
            TypeDefKind::Enum(cases) => {
                let names: Vec<&str> = cases.cases.iter().map(|case| &*case.name).collect();
                let index = REFUSING_CASES
                    .iter()
                    .find_map(|wanted| position(&names, wanted))?;
                self.write_case(address, cases.tag(), index)
            }
            TypeDefKind::Variant(variant) => {
                let names: Vec<&str> = variant.cases.iter().map(|case| &*case.name).collect();
                let payloads = variant.cases.iter().map(|case| case.ty.as_ref());
                let offset = self.sizes.payload_offset(variant.tag(), payloads);
                let payload = address + u32::try_from(offset.size_wasm32()).ok()?;
                let indexes = REFUSING_CASES
                    .iter()
                    .filter_map(|name| position(&names, name));
                for index in indexes {
                    let case = variant.cases.get(index)?;
                    let filled = match &case.ty {
                        None => Some(()),
                        Some(ty) => self.fill_reason(ty, payload, text),
                    };
                    if filled.is_some() {
                        return self.write_case(address, variant.tag(), index);
                    }
                }
                None
            }
            _ => None,
        }
    }

    /// What a case carries: a text, perhaps an optional one.
    fn fill_reason(&mut self, ty: &Type, address: u32, text: &str) -> Option<()> {
        if *ty == Type::String {
            return self.fill_error(ty, address, text);
        }
        match self.kind(ty)? {
            TypeDefKind::Option(Type::String) => {
                self.write(address, &[1])?;
                self.fill_error(&Type::String, address + 4, text)
            }
            TypeDefKind::Option(_) => Some(()),
            _ => None,
        }
    }

    fn write_case(&mut self, address: u32, tag: wit_parser::Int, index: usize) -> Option<()> {
        let index = u32::try_from(index).ok()?.to_le_bytes();
        let bytes = match tag {
            wit_parser::Int::U8 => 1,
            wit_parser::Int::U16 => 2,
            wit_parser::Int::U32 | wit_parser::Int::U64 => 4,
        };
        self.write(address, index.get(..bytes)?)
    }

    /// A `result` without payloads, which is a number of its own: 1 is the error.
    fn is_bare_result(&self, ty: &Type) -> bool {
        matches!(
            self.kind(ty),
            Some(TypeDefKind::Result(result)) if result.ok.is_none() && result.err.is_none()
        )
    }

    /// What a type is, behind its names.
    fn kind(&self, ty: &Type) -> Option<TypeDefKind> {
        let mut ty = *ty;
        loop {
            let Type::Id(id) = ty else {
                return None;
            };
            match &self.resolve.types.get(id)?.kind {
                TypeDefKind::Type(inner) => ty = *inner,
                kind => return Some(kind.clone()),
            }
        }
    }
}

fn position(names: &[&str], wanted: &str) -> Option<usize> {
    names.iter().position(|name| *name == wanted)
}
