//! Parts of a sweep on the command line: `0/4`.

use std::str::FromStr;

use crate::engine::sweep::schedule::Shard;

/// A part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShardArg(pub(crate) Shard);

impl FromStr for ShardArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let how = "give part and number of parts, such as 0/4 to 3/4";
        let (index, of) = text.split_once('/').ok_or(how)?;
        let number = |text: &str| text.parse::<u32>().map_err(|_| how.to_owned());
        let (index, of) = (number(index)?, number(of)?);
        if index >= of {
            return Err(format!("there is no part {index} of {of}; {how}"));
        }
        Ok(Self(Shard { index, of }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_from_zero() {
        let shard = Shard { index: 3, of: 4 };
        assert_eq!("3/4".parse(), Ok(ShardArg(shard)));
        for text in ["4/4", "0/0", "1", "a/b", "-1/2", "1/2/3", ""] {
            assert!(text.parse::<ShardArg>().is_err(), "{text}");
        }
    }
}
