//! The keyed permutation as the kernel computes it.

use anyhow::{Context as _, Result, ensure};
use aya::{Ebpf, TestRun as _, TestRunOptions, programs::Xdp};
use probe_common::abi::lab::{PERMUTE, Permuted};

use super::programs;

/// What a program returns that has solved its task: `XDP_PASS`.
const SOLVED: u32 = 2;

/// The program, loaded; it is attached to nothing (`BPF_PROG_TEST_RUN`).
pub struct Permuter(Ebpf);

impl Permuter {
    /// Loads it.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn load() -> Result<Self> {
        let mut object = programs::load()?;
        let program = object.program_mut(PERMUTE);
        let program: &mut Xdp = program.context("no program to permute")?.try_into()?;
        program.load().context("the kernel does not permute")?;
        Ok(Self(object))
    }

    /// Has the kernel find the number at a position.
    ///
    /// # Errors
    ///
    /// If the program does not run.
    pub fn solve(&self, asked: Permuted) -> Result<Permuted> {
        let program = self.0.program(PERMUTE);
        let program: &Xdp = program.context("no program to permute")?.try_into()?;
        let (packet, mut answer) = (asked.octets(), [0; Permuted::LENGTH]);
        let mut options = TestRunOptions::new();
        options.data_in = Some(&packet);
        options.data_out = Some(&mut answer);
        let result = program.test_run(options)?;
        ensure!(
            result.return_value == SOLVED,
            "the program gave up: {}",
            result.return_value
        );
        Ok(Permuted::from_octets(answer))
    }
}

impl std::fmt::Debug for Permuter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Permuter")
    }
}
