//! Published crates that use rayon.

use indexmap::IndexMap;
use ndarray::{Array2, Zip};
use rayon::prelude::*;

use crate::Program;
use crate::input::{Input, digest};

pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: "blake3",
        run: |input| of_hash(blake3::Hasher::new().update_rayon(&input.bytes)),
        expected: |input| of_hash(blake3::Hasher::new().update(&input.bytes)),
    },
    Program {
        name: "jwalk",
        run: |input| walk(input, jwalk::Parallelism::RayonDefaultPool { busy_timeout: WAIT }),
        expected: |input| walk(input, jwalk::Parallelism::Serial),
    },
    Program {
        name: "jwalk_own_pool",
        run: |input| walk(input, jwalk::Parallelism::RayonNewPool(2)),
        expected: |input| walk(input, jwalk::Parallelism::Serial),
    },
    Program { name: "ndarray", run: ndarray, expected: ndarray_in_sequence },
    Program { name: "indexmap", run: indexmap, expected: indexmap_in_sequence },
];

const WAIT: std::time::Duration = std::time::Duration::from_secs(60);

fn of_hash(hasher: &blake3::Hasher) -> u64 {
    digest(hasher.finalize().as_bytes().iter().map(|byte| u64::from(*byte)))
}

/// The names below the folder, in order, and how deep they are.
fn walk(input: &Input, parallelism: jwalk::Parallelism) -> u64 {
    let walk = jwalk::WalkDir::new(&input.folder).sort(true).parallelism(parallelism);
    digest(walk.into_iter().flat_map(|entry| {
        let entry = entry.unwrap();
        [entry.depth as u64, digest(entry.file_name.as_encoded_bytes().iter().map(|byte| u64::from(*byte)))]
    }))
}

fn matrices(input: &Input) -> [Array2<f64>; 2] {
    let of = |numbers: &[u64]| {
        Array2::from_shape_vec((1_000, 1_000), numbers.iter().map(|n| (n >> 11) as f64).collect()).unwrap()
    };
    [of(&input.numbers[..1_000_000]), of(&input.numbers[1_000_000..2_000_000])]
}

fn of_matrix(matrix: &Array2<f64>) -> u64 {
    digest(matrix.iter().map(|x| x.to_bits()))
}

fn ndarray(input: &Input) -> u64 {
    let [mut a, b] = matrices(input);
    a.par_mapv_inplace(f64::sqrt);
    Zip::from(&mut a).and(&b).par_for_each(|a, b| *a = a.mul_add(0.5, b.ln_1p()));
    of_matrix(&a)
}

fn ndarray_in_sequence(input: &Input) -> u64 {
    let [mut a, b] = matrices(input);
    a.mapv_inplace(f64::sqrt);
    Zip::from(&mut a).and(&b).for_each(|a, b| *a = a.mul_add(0.5, b.ln_1p()));
    of_matrix(&a)
}

fn indexmap(input: &Input) -> u64 {
    let mut map: IndexMap<u64, u64> = input.numbers[..500_000].par_iter().map(|n| (n >> 40, *n)).collect();
    map.par_values_mut().for_each(|n| *n = n.rotate_left(5));
    map.par_sort_by(|a, _, b, _| a.cmp(b));
    digest(map.into_iter().flat_map(|(key, value)| [key, value]))
}

fn indexmap_in_sequence(input: &Input) -> u64 {
    let mut map: IndexMap<u64, u64> = input.numbers[..500_000].iter().map(|n| (n >> 40, *n)).collect();
    map.values_mut().for_each(|n| *n = n.rotate_left(5));
    map.sort_by(|a, _, b, _| a.cmp(b));
    digest(map.into_iter().flat_map(|(key, value)| [key, value]))
}
