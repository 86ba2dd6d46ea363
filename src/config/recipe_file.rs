//! What YAML may say of a recipe. Not here: what a recipe becomes.

use std::fmt;

use schemars::JsonSchema;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};

/// What a recipe is told. The rest is the recipe's: docs/RECIPES.md.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecipeFile {
    /// What the engine loads, as its own option takes it: a name, a folder, a file.
    pub model: Option<String>,
    /// Further arguments, each one word whatever it holds; `${NAME}` is filled in from the
    /// environment when the server is started.
    pub args: Option<Vec<Arg>>,
    /// Shell text in place of the recipe's program: a path, or `docker run ... IMAGE`.
    pub program: Option<String>,
}

/// One word of a command line. YAML's numbers and truth values become the text of their value:
/// `1.10` is `1.1`, `True` is `true`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Arg(pub String);

impl RecipeFile {
    /// This, and what it does not say from `base`.
    fn over(self, base: Self) -> Self {
        Self {
            model: self.model.or(base.model),
            args: self.args.or(base.args),
            program: self.program.or(base.program),
        }
    }

    /// Of two layers of a config; `another`: the upper one says how the server is started, so that
    /// the lower one's way holds no more.
    pub fn layered(over: Option<Self>, base: Option<Self>, another: bool) -> Option<Self> {
        match (over, base) {
            (Some(over), Some(base)) => Some(over.over(base)),
            (over, base) => over.or(base.filter(|_| !another)),
        }
    }
}

/// Only for the schema: the forms of `Arg`.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "never made: its derive describes the forms")]
enum ArgForms {
    Text(String),
    Number(f64),
    Truth(bool),
}

impl JsonSchema for Arg {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Argument".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ArgForms::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for Arg {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ArgVisitor;
        impl Visitor<'_> for ArgVisitor {
            type Value = Arg;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one word of a command line: text, a number, true or false")
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Arg, E> {
                Ok(Arg(value.to_owned()))
            }

            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Arg, E> {
                Ok(Arg(value.to_string()))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Arg, E> {
                Ok(Arg(value.to_string()))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Arg, E> {
                Ok(Arg(value.to_string()))
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Arg, E> {
                Ok(Arg(value.to_string()))
            }
        }
        deserializer.deserialize_any(ArgVisitor)
    }
}
