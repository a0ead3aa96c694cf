//! The tokens of a Rust file: its code without comments and texts.

use std::str::FromStr;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// An identifier or a punctuation mark, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// Its text.
    pub(crate) text: String,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// The tokens of a Rust file, flat, brackets among them.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>> {
    let stream = TokenStream::from_str(source)
        .map_err(|error| anyhow!("line {}: {error}", error.span().start().line))?;
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    Ok(tokens)
}

/// Where a pattern begins, as lines.
pub(crate) fn find(tokens: &[Token], pattern: &[&str]) -> Vec<usize> {
    tokens
        .windows(pattern.len().max(1))
        .filter(|window| {
            let texts = window.iter().map(|token| token.text.as_str());
            texts.eq(pattern.iter().copied())
        })
        .filter_map(|window| window.first())
        .map(|token| token.line)
        .collect()
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                push(tokens, open, line);
                flatten(group.stream(), tokens);
                push(tokens, close, group.span_close().start().line);
            }
            TokenTree::Ident(ident) => push(tokens, &ident.to_string(), line),
            TokenTree::Punct(punct) => push(tokens, &punct.as_char().to_string(), line),
            TokenTree::Literal(_) => {}
        }
    }
}

const fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

fn push(tokens: &mut Vec<Token>, text: &str, line: usize) {
    if !text.is_empty() {
        let text = text.to_owned();
        tokens.push(Token { text, line });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_texts_are_no_code() {
        let source = "/// libc\n// libc\nconst A: &str = \"libc\"; /* libc */\nuse libc;\n";
        let tokens = tokens(source).unwrap();
        assert_eq!(find(&tokens, &["libc"]), [4]);
    }

    #[test]
    fn a_pattern_may_span_lines_and_brackets() {
        let tokens = tokens("#![forbid(\n    unsafe_code\n)]").unwrap();
        assert_eq!(find(&tokens, &["forbid", "(", "unsafe_code"]), [1]);
    }
}
