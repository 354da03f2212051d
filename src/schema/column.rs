//! Columns and their logical types.

/// What a column's values mean. The number is the byte in the file and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LogicalType {
    /// i64 nanoseconds since the UNIX epoch.
    Ts = 1,
    /// i64 mantissa with the column's scale.
    Decimal = 2,
    /// Unsigned 64-bit number, such as an order id; never through floats.
    U64 = 3,
    /// Signed 64-bit number.
    I64 = 4,
    /// UTF-8 text, stored as a dictionary in each block.
    Text = 5,
    /// i8: 1 buy or bid, -1 sell or ask, 0 unknown.
    Side = 6,
    /// u8 of bits, or a small enumeration.
    Flags = 7,
    /// IEEE double; null is the one NaN pattern.
    F64 = 8,
    /// Small signed number.
    I8 = 9,
}

impl LogicalType {
    /// All types, in the order of their numbers.
    pub const ALL: [Self; 9] =
        [Self::Ts, Self::Decimal, Self::U64, Self::I64, Self::Text, Self::Side, Self::Flags, Self::F64, Self::I8];

    /// The type of a file's byte.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|t| *t as u8 == code)
    }

    /// The word used in `inspect` and in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ts => "timestamp_ns",
            Self::Decimal => "decimal",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::Text => "text",
            Self::Side => "side",
            Self::Flags => "flags",
            Self::F64 => "f64",
            Self::I8 => "i8",
        }
    }

    /// Bytes of a value in a `plain` block; 0 for text, which has no plain form.
    #[must_use]
    pub fn plain_width(self) -> usize {
        match self {
            Self::Ts | Self::Decimal | Self::U64 | Self::I64 | Self::F64 => 8,
            Self::Side | Self::Flags | Self::I8 => 1,
            Self::Text => 0,
        }
    }
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    /// Name, unique in its schema: the exact name of the contract.
    pub name: String,
    /// What the values mean.
    pub logical_type: LogicalType,
    /// Decimals of a [`LogicalType::Decimal`]; 0 for every other type.
    pub scale: u8,
    /// Whether values may be missing. f64 is always nullable: null is NaN.
    pub nullable: bool,
}

impl Column {
    /// A column without nulls.
    #[must_use]
    pub fn required(name: impl Into<String>, logical_type: LogicalType) -> Self {
        Self { name: name.into(), logical_type, scale: 0, nullable: false }
    }

    /// A column with nulls.
    #[must_use]
    pub fn nullable(name: impl Into<String>, logical_type: LogicalType) -> Self {
        Self { name: name.into(), logical_type, scale: 0, nullable: true }
    }

    /// The same column with a decimal scale.
    #[must_use]
    pub fn with_scale(mut self, scale: u8) -> Self {
        self.scale = scale;
        self
    }
}

/// The columns of a table, in file order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Schema {
    /// In file order.
    pub columns: Vec<Column>,
}

impl Schema {
    /// The position of a column.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    /// Appends the schema's bytes, as they stand in a header (`format-spec`, section Schema):
    /// for each column a u32 name length, the name, then type, scale, nullable and a zero, one byte each.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        for column in &self.columns {
            let length = u32::try_from(column.name.len()).unwrap_or(u32::MAX);
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(column.name.as_bytes());
            out.extend_from_slice(&[column.logical_type as u8, column.scale, u8::from(column.nullable), 0]);
        }
    }

    /// XXH3-128 of the schema's bytes: the schema hash of the identity.
    #[must_use]
    pub fn hash(&self) -> u128 {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes);
        xxhash_rust::xxh3::xxh3_128(&bytes)
    }
}
