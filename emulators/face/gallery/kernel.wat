;; The inner loops of the gallery: vectors become whole numbers, and are scored against some probes.
;; `npx node scripts/kernels.ts` assembles it into kernel.wasm.
(module
  (import "gallery" "memory" (memory 1 65536 shared))

  ;; scores[probe][row] = scales[row] * (dot(row, probe) - biases[row]), for `rowCount` rows, a multiple of 4.
  ;; Vectors have `width` numbers, a multiple of 16: -127 to 127 in rows, 0 to 127 in probes, the range in which the
  ;; relaxed instruction has the same result on all machines. Four rows share each load of a probe.
  (func (export "score")
    (param $rows i32) (param $rowCount i32) (param $width i32) (param $scales i32) (param $biases i32)
    (param $probes i32) (param $probeCount i32) (param $scores i32)
    (local $rowsEnd i32) (local $probe i32) (local $probesEnd i32)
    (local $score i32) (local $row i32) (local $rowEnd i32)
    (local $second i32) (local $third i32) (local $fourth i32)
    (local $p v128) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $second (local.get $width))
    (local.set $third (i32.shl (local.get $width) (i32.const 1)))
    (local.set $fourth (i32.add (local.get $second) (local.get $third)))
    (local.set $rowsEnd (i32.add (local.get $rows) (i32.mul (local.get $rowCount) (local.get $width))))
    (local.set $probesEnd (i32.add (local.get $probes) (i32.mul (local.get $probeCount) (local.get $width))))

    (loop $fourRows
      (local.set $probe (local.get $probes))
      (local.set $score (local.get $scores))
      (local.set $rowEnd (i32.add (local.get $rows) (local.get $width)))
      (loop $eachProbe
        (local.set $a (v128.const i32x4 0 0 0 0))
        (local.set $b (v128.const i32x4 0 0 0 0))
        (local.set $c (v128.const i32x4 0 0 0 0))
        (local.set $d (v128.const i32x4 0 0 0 0))
        (local.set $row (local.get $rows))
        (loop $sixteen
          (local.set $p (v128.load (local.get $probe)))
          (local.set $a (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (v128.load (local.get $row)) (local.get $p) (local.get $a)))
          (local.set $b (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (v128.load (i32.add (local.get $row) (local.get $second))) (local.get $p) (local.get $b)))
          (local.set $c (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (v128.load (i32.add (local.get $row) (local.get $third))) (local.get $p) (local.get $c)))
          (local.set $d (i32x4.relaxed_dot_i8x16_i7x16_add_s
            (v128.load (i32.add (local.get $row) (local.get $fourth))) (local.get $p) (local.get $d)))
          (local.set $probe (i32.add (local.get $probe) (i32.const 16)))
          (br_if $sixteen
            (i32.ne (local.tee $row (i32.add (local.get $row) (i32.const 16))) (local.get $rowEnd))))

        ;; The four partial sums of each row become one: (a, b, c, d).
        (local.set $a (i32x4.add
          (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a) (local.get $b))
          (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $a) (local.get $b))))
        (local.set $c (i32x4.add
          (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $c) (local.get $d))
          (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $c) (local.get $d))))
        (local.set $a (i32x4.add
          (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $a) (local.get $c))
          (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $a) (local.get $c))))
        (v128.store (local.get $score) (f32x4.mul
          (v128.load (local.get $scales))
          (f32x4.convert_i32x4_s (i32x4.sub (local.get $a) (v128.load (local.get $biases))))))

        (local.set $score (i32.add (local.get $score) (i32.shl (local.get $rowCount) (i32.const 2))))
        (br_if $eachProbe (i32.ne (local.get $probe) (local.get $probesEnd))))
      (local.set $scales (i32.add (local.get $scales) (i32.const 16)))
      (local.set $biases (i32.add (local.get $biases) (i32.const 16)))
      (local.set $scores (i32.add (local.get $scores) (i32.const 16)))
      (br_if $fourRows
        (i32.ne
          (local.tee $rows (i32.add (local.get $rows) (i32.shl (local.get $width) (i32.const 2))))
          (local.get $rowsEnd)))))

  ;; Quantises `width` floats to whole numbers of -127 to 127 times *scale. *bias is 64 times the sum of the whole
  ;; numbers, which the offset of probes adds to their products. Returns the length of the difference.
  (func (export "quantise")
    (param $floats i32) (param $width i32) (param $row i32) (param $scale i32) (param $bias i32) (result f32)
    (local $at i32) (local $end i32) (local $most f32)
    (local $scales v128) (local $inverse v128) (local $sum v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $w v128) (local $x v128) (local $y v128) (local $z v128)
    (local.set $end (i32.add (local.get $floats) (i32.shl (local.get $width) (i32.const 2))))

    ;; Four independent accumulators, so that no instruction waits for the one before.
    (local.set $at (local.get $floats))
    (loop $largest
      (local.set $a (f32x4.pmax (local.get $a) (f32x4.abs (v128.load (local.get $at)))))
      (local.set $b (f32x4.pmax (local.get $b) (f32x4.abs (v128.load offset=16 (local.get $at)))))
      (local.set $c (f32x4.pmax (local.get $c) (f32x4.abs (v128.load offset=32 (local.get $at)))))
      (local.set $d (f32x4.pmax (local.get $d) (f32x4.abs (v128.load offset=48 (local.get $at)))))
      (br_if $largest
        (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end))))
    (local.set $a (f32x4.pmax
      (f32x4.pmax (local.get $a) (local.get $b)) (f32x4.pmax (local.get $c) (local.get $d))))
    (local.set $most
      (f32.max
        (f32.max (f32x4.extract_lane 0 (local.get $a)) (f32x4.extract_lane 1 (local.get $a)))
        (f32.max (f32x4.extract_lane 2 (local.get $a)) (f32x4.extract_lane 3 (local.get $a)))))
    (f32.store (local.get $scale) (f32.div (local.get $most) (f32.const 127)))
    (local.set $scales (f32x4.splat (f32.load (local.get $scale))))
    (local.set $inverse
      (f32x4.splat (select
        (f32.div (f32.const 127) (local.get $most)) (f32.const 0) (f32.gt (local.get $most) (f32.const 0)))))

    (local.set $at (local.get $floats))
    (loop $sixteen
      (local.set $a (f32x4.nearest (f32x4.mul (v128.load (local.get $at)) (local.get $inverse))))
      (local.set $w (call $addSquares (local.get $w)
        (f32x4.sub (v128.load (local.get $at)) (f32x4.mul (local.get $a) (local.get $scales)))))
      (local.set $a (i32x4.relaxed_trunc_f32x4_s (local.get $a)))
      (local.set $b (f32x4.nearest (f32x4.mul (v128.load offset=16 (local.get $at)) (local.get $inverse))))
      (local.set $x (call $addSquares (local.get $x)
        (f32x4.sub (v128.load offset=16 (local.get $at)) (f32x4.mul (local.get $b) (local.get $scales)))))
      (local.set $b (i32x4.relaxed_trunc_f32x4_s (local.get $b)))
      (local.set $c (f32x4.nearest (f32x4.mul (v128.load offset=32 (local.get $at)) (local.get $inverse))))
      (local.set $y (call $addSquares (local.get $y)
        (f32x4.sub (v128.load offset=32 (local.get $at)) (f32x4.mul (local.get $c) (local.get $scales)))))
      (local.set $c (i32x4.relaxed_trunc_f32x4_s (local.get $c)))
      (local.set $d (f32x4.nearest (f32x4.mul (v128.load offset=48 (local.get $at)) (local.get $inverse))))
      (local.set $z (call $addSquares (local.get $z)
        (f32x4.sub (v128.load offset=48 (local.get $at)) (f32x4.mul (local.get $d) (local.get $scales)))))
      (local.set $d (i32x4.relaxed_trunc_f32x4_s (local.get $d)))
      (local.set $sum (i32x4.add (local.get $sum) (i32x4.add
        (i32x4.add (local.get $a) (local.get $b)) (i32x4.add (local.get $c) (local.get $d)))))
      (v128.store (local.get $row) (i8x16.narrow_i16x8_s
        (i16x8.narrow_i32x4_s (local.get $a) (local.get $b))
        (i16x8.narrow_i32x4_s (local.get $c) (local.get $d))))
      (local.set $row (i32.add (local.get $row) (i32.const 16)))
      (br_if $sixteen
        (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end))))

    (i32.store (local.get $bias) (i32.mul (i32.const 64)
      (i32.add
        (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
        (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum))))))
    (local.set $w (f32x4.add
      (f32x4.add (local.get $w) (local.get $x)) (f32x4.add (local.get $y) (local.get $z))))
    (f32.sqrt
      (f32.add
        (f32.add (f32x4.extract_lane 0 (local.get $w)) (f32x4.extract_lane 1 (local.get $w)))
        (f32.add (f32x4.extract_lane 2 (local.get $w)) (f32x4.extract_lane 3 (local.get $w))))))

  (func $addSquares (param $sum v128) (param $x v128) (result v128)
    (f32x4.add (local.get $sum) (f32x4.mul (local.get $x) (local.get $x)))))
