//! A column of whole numbers, each of which may be absent: four bytes each as long as all of them
//! are small, since a long run has many.
//!
//! Not here: which columns there are (`columns`).

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Clone, Debug)]
pub struct Column<T> {
    stored: Stored,
    numbers: PhantomData<T>,
}

/// The largest value stands for an absent one.
#[derive(Clone, Debug)]
enum Stored {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

/// What a column holds.
pub trait Number: Copy + Into<u64> + TryFrom<u64> {}

impl Number for u32 {}
impl Number for u64 {}

impl<T: Number> Column<T> {
    pub fn with_capacity(n: usize) -> Self {
        Self { stored: Stored::Narrow(Vec::with_capacity(n)), numbers: PhantomData }
    }

    /// The largest number of 64 bits is stored as the one below it: it must not be taken for an
    /// absent one.
    pub fn push(&mut self, value: Option<T>) {
        let value: Option<u64> = value.map(Into::into);
        let small =
            value.map_or(Some(u32::MAX), |v| u32::try_from(v).ok().filter(|v| *v != u32::MAX));
        match (&mut self.stored, small) {
            (Stored::Narrow(values), Some(small)) => return values.push(small),
            (Stored::Narrow(_), None) => self.widen(),
            (Stored::Wide(_), _) => {}
        }
        if let Stored::Wide(values) = &mut self.stored {
            values.push(value.map_or(u64::MAX, |v| v.min(u64::MAX - 1)));
        }
    }

    /// `None` where it is absent. Panics beyond the end, as a slice does.
    pub fn at(&self, i: usize) -> Option<T> {
        let value = match &self.stored {
            Stored::Narrow(values) => Some(values[i]).filter(|v| *v != u32::MAX).map(u64::from),
            Stored::Wide(values) => Some(values[i]).filter(|v| *v != u64::MAX),
        };
        value.and_then(|v| T::try_from(v).ok())
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<T>> {
        (0..self.len()).map(|i| self.at(i))
    }

    pub fn len(&self) -> usize {
        match &self.stored {
            Stored::Narrow(values) => values.len(),
            Stored::Wide(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn widen(&mut self) {
        if let Stored::Narrow(values) = &mut self.stored {
            let mut wide = Vec::with_capacity(values.capacity());
            wide.extend(
                values.iter().map(|v| if *v == u32::MAX { u64::MAX } else { u64::from(*v) }),
            );
            self.stored = Stored::Wide(wide);
        }
    }
}

#[cfg(test)]
impl<T: Number> Column<T> {
    pub fn set(&mut self, i: usize, value: Option<T>) {
        let values: Vec<Option<T>> =
            self.iter().enumerate().map(|(at, old)| if at == i { value } else { old }).collect();
        *self = values.into();
    }

    pub fn fill(&mut self, value: Option<T>) {
        *self = vec![value; self.len()].into();
    }
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { stored: Stored::Narrow(Vec::new()), numbers: PhantomData }
    }
}

impl<T: Number + PartialEq> PartialEq for Column<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<T: Number + Eq> Eq for Column<T> {}

impl<T: Number> FromIterator<Option<T>> for Column<T> {
    fn from_iter<I: IntoIterator<Item = Option<T>>>(values: I) -> Self {
        let values = values.into_iter();
        let mut column = Self::with_capacity(values.size_hint().0);
        values.for_each(|v| column.push(v));
        column
    }
}

impl<T: Number> From<Vec<Option<T>>> for Column<T> {
    fn from(values: Vec<Option<T>>) -> Self {
        values.into_iter().collect()
    }
}

impl<T: Number + Serialize> Serialize for Column<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, T: Number + Deserialize<'de>> Deserialize<'de> for Column<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<T>(PhantomData<T>);
        impl<'de, T: Number + Deserialize<'de>> Visitor<'de> for Each<T> {
            type Value = Column<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of whole numbers and nulls")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut column = Column::default();
                while let Some(value) = seq.next_element()? {
                    column.push(value);
                }
                Ok(column)
            }
        }
        deserializer.deserialize_seq(Each(PhantomData))
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for Column<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        <Vec<Option<T>>>::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <Vec<Option<T>>>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edges() -> impl Strategy<Value = Option<u64>> {
        let near = [
            0,
            u64::from(u32::MAX) - 1,
            u64::from(u32::MAX),
            u64::from(u32::MAX) + 1,
            u64::MAX - 1,
        ];
        prop_oneof![
            Just(None),
            any::<u64>().prop_map(|v| Some(v.min(u64::MAX - 1))),
            (0..near.len()).prop_map(move |i| Some(near[i]))
        ]
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(values in proptest::collection::vec(edges(), 0..40)) {
            let column: Column<u64> = values.clone().into();
            prop_assert_eq!(column.iter().collect::<Vec<_>>(), values.clone());
            let text = serde_json::to_string(&column).expect("plain data");
            prop_assert_eq!(&text, &serde_json::to_string(&values).expect("plain data"));
            prop_assert_eq!(serde_json::from_str::<Column<u64>>(&text).expect("what was written"), column);
        }
    }

    #[test]
    fn no_number_becomes_an_absent_one() {
        let largest: Column<u64> =
            serde_json::from_str("[18446744073709551615, null]").expect("whole numbers");
        assert_eq!((largest.at(0), largest.at(1)), (Some(u64::MAX - 1), None));
        let tokens: Column<u32> =
            serde_json::from_str("[4294967295, 7, null]").expect("whole numbers");
        assert_eq!(tokens.iter().collect::<Vec<_>>(), [Some(u32::MAX), Some(7), None]);
        for wrong in ["[4294967296]", "[-1]", "[1.5]", "[\"1\"]", "7"] {
            assert!(serde_json::from_str::<Column<u32>>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_small_number_takes_four_bytes() {
        let column: Column<u64> = (0..100).map(Some).collect();
        assert!(matches!(&column.stored, Stored::Narrow(values) if values.capacity() == 100));
    }
}
