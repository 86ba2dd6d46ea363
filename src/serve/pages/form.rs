//! What a form of a page sends. Not here: what the fields mean.

use axum::body::Body;

use crate::serve::answer::{LARGEST, Refusal};

/// The fields of a form, in their order; a name may come several times.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Of a query, or of a body of the same shape.
    pub fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    pub async fn read(body: Body) -> Result<Self, Refusal> {
        let bytes = axum::body::to_bytes(body, LARGEST).await.map_err(|_| Refusal::too_large())?;
        Ok(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// The last value of this name, without the space around it; none where it is empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    /// Every value of this name that is not empty.
    pub fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f str> {
        let named = self.0.iter().filter(move |(key, _)| *key == name);
        named.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_as_they_were_typed() {
        let form = Form::parse("a=1&b=x+y%2Bz&a=%EA%B0%80&c=&d&e=%zz%+1%4&=&f=++&g=%0a");
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "가"]);
        assert_eq!(form.text("b"), Some("x y+z"));
        assert_eq!((form.text("c"), form.text("d"), form.text("f")), (None, None, None));
        assert_eq!(form.text("e"), Some("%zz% 1%4"));
    }
}
