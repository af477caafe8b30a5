;; The inner loop of the gallery: how alike the faces of a block are to some probes.
;; `npx node scripts/kernel.ts` assembles it into kernel.wasm.
(module
  (import "gallery" "memory" (memory 1 65536 shared))

  ;; scores[probe][row] = scales[row] * (dot(row, probe) - biases[row]), for `rowCount` rows, a multiple of 4.
  ;; Vectors have `width` numbers, a multiple of 16: of rows -127 to 127, of probes 0 to 127 (within that, all machines
  ;; agree on the relaxed instruction). Four rows at once share each load of a probe.
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
          (local.get $rowsEnd))))))
