//! Aligned columns without lines.

use comfy_table::{Attribute, Cell, CellAlignment, Color, Table, presets};

/// Rows under a header, as wide as their contents.
pub(crate) struct Grid {
    table: Table,
    colour: bool,
}

/// A cell's text and how much it asks for attention.
pub(crate) struct Text {
    text: String,
    alarming: bool,
}

/// Plain text.
pub(crate) fn plain(text: impl Into<String>) -> Text {
    Text {
        text: text.into(),
        alarming: false,
    }
}

/// Text that stands out where there are colours, if `alarming`.
pub(crate) fn alarming(text: impl Into<String>, alarming: bool) -> Text {
    Text {
        text: text.into(),
        alarming,
    }
}

impl Grid {
    /// A header; numbers are aligned right, which a `>` before the title asks for.
    pub(crate) fn new<'a>(titles: impl IntoIterator<Item = &'a str>, colour: bool) -> Self {
        let (right, titles): (Vec<_>, Vec<_>) = titles
            .into_iter()
            .map(|title| match title.strip_prefix('>') {
                Some(title) => (true, title),
                None => (false, title),
            })
            .unzip();
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        if colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(titles.into_iter().map(|title| header(title, colour)));
        for (column, right) in table.column_iter_mut().zip(&right) {
            column.set_padding((0, 2));
            if *right {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { table, colour }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<Text>) {
        let colour = self.colour;
        self.table.add_row(cells.into_iter().map(|cell| {
            let red = colour && cell.alarming;
            match red {
                true => Cell::new(cell.text).fg(Color::Red),
                false => Cell::new(cell.text),
            }
        }));
    }

    /// The lines, each with its end, none with spaces before it.
    pub(crate) fn render(&self) -> String {
        self.table
            .lines()
            .map(|line| line.trim_end().to_owned() + "\n")
            .collect()
    }
}

fn header(title: &str, colour: bool) -> Cell {
    match colour {
        true => Cell::new(title).add_attribute(Attribute::Bold),
        false => Cell::new(title),
    }
}
