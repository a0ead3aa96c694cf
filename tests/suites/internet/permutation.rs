//! The keyed permutation: the kernel and userspace compute the same.

use probe_common::{abi::lab::Permuted, permutation::Permutation};
use probe_tests::lab::Permuter;

#[test]
fn the_kernel_permutes_as_userspace_does() {
    let kernel = Permuter::load().unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let lengths = [0, 1, 2, 3, 1_000, 65_537, 1 << 32, Permutation::MAX_LENGTH];
    let (mut numbers, mut holes) = (0, 0);
    for length in lengths {
        for _ in 0..300 {
            let permutation = Permutation::new(length, random.u64(..));
            let positions = permutation.positions();
            let asked = Permuted {
                permutation,
                position: random.u64(0..=positions),
                number: 0,
            };
            let answer = kernel.solve(asked).unwrap();
            assert_eq!(answer, asked.solved(), "{asked:?}");
            match permutation.at(asked.position) {
                Some(number) => {
                    assert_eq!(answer.number, number);
                    numbers += 1;
                }
                None => holes += 1,
            }
        }
    }
    assert!(
        numbers > 1_000 && holes > 0,
        "{numbers} numbers, {holes} holes"
    );
}
