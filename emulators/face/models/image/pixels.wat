;; The inner loops over pixels. Images have four bytes per pixel (red, green, blue, unused), row by row.
;; `npx node scripts/kernels.ts` assembles it into pixels.wasm.
(module
  (import "pixels" "memory" (memory 1))

  ;; Spreads `count` pixels of three bytes at $from to four bytes each at $to. Four pixels per iteration: reads up to 13
  ;; bytes and writes up to 12 bytes beyond the last pixel.
  (func (export "spread") (param $from i32) (param $count i32) (param $to i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $to) (i32.shl (local.get $count) (i32.const 2))))
    (loop $fourPixels
      (v128.store (local.get $to)
        (i8x16.shuffle 0 1 2 16 3 4 5 16 6 7 8 16 9 10 11 16
          (v128.load (local.get $from)) (v128.const i32x4 0 0 0 0)))
      (local.set $from (i32.add (local.get $from) (i32.const 12)))
      (br_if $fourPixels
        (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 16))) (local.get $end)))))

  ;; Writes an image of half the width and height, each pixel the mean of four. Two pixels per iteration: in a row of an
  ;; odd width the last write is one pixel too long, and the next row overwrites it. Reads and writes up to 16 bytes
  ;; beyond the last pixel.
  (func (export "halve") (param $from i32) (param $width i32) (param $height i32) (param $to i32)
    (local $stride i32) (local $row i32) (local $rowEnd i32) (local $at i32) (local $end i32)
    (local $first v128) (local $second v128)
    (local.set $stride (i32.shl (local.get $width) (i32.const 2)))
    (local.set $row (i32.shl (i32.shr_u (local.get $width) (i32.const 1)) (i32.const 2)))
    (local.set $end (i32.add (local.get $to) (i32.mul (local.get $row) (i32.shr_u (local.get $height) (i32.const 1)))))
    (loop $rows
      (local.set $at (local.get $from))
      (local.set $rowEnd (i32.add (local.get $to) (local.get $row)))
      (loop $twoPixels
        (local.set $first (i16x8.add
          (v128.load8x8_u (local.get $at))
          (v128.load8x8_u (i32.add (local.get $at) (local.get $stride)))))
        (local.set $second (i16x8.add
          (v128.load8x8_u offset=8 (local.get $at))
          (v128.load8x8_u offset=8 (i32.add (local.get $at) (local.get $stride)))))
        (local.set $first (i16x8.shr_u
          (i16x8.add
            (i16x8.add
              (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $first) (local.get $second))
              (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $first) (local.get $second)))
            (v128.const i16x8 2 2 2 2 2 2 2 2))
          (i32.const 2)))
        (v128.store64_lane 0 (local.get $to)
          (i8x16.narrow_i16x8_u (local.get $first) (local.get $first)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $twoPixels
          (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 8))) (local.get $rowEnd))))
      (local.set $to (local.get $rowEnd))
      (local.set $from (i32.add (local.get $from) (i32.shl (local.get $stride) (i32.const 1))))
      (br_if $rows (i32.lt_u (local.get $to) (local.get $end)))))

  ;; Cuts a crop of $columns x $rows pixels: pixel (x, y) of the crop is interpolated from the four pixels
  ;; around (a*x - b*y + c, b*x + a*y + d) of the image. Writes value * scale + shift, one plane each of red, green and
  ;; blue, or `beyond` more than a pixel outside the image. Coordinates are in units of 2^-32 pixels.
  (func (export "cut")
    (param $from i32) (param $width i32) (param $height i32)
    (param $a f64) (param $b f64) (param $c f64) (param $d f64)
    (param $to i32) (param $columns i32) (param $rows i32)
    (param $scale f32)
    (param $shiftRed f32) (param $shiftGreen f32) (param $shiftBlue f32)
    (param $beyondRed f32) (param $beyondGreen f32) (param $beyondBlue f32)
    (local $stepX i64) (local $stepY i64) (local $startX i64) (local $startY i64) (local $px i64) (local $py i64)
    (local $end i32) (local $rowEnd i32) (local $green i32) (local $blue i32)
    (local $left i32) (local $right i32) (local $top i32) (local $bottom i32) (local $share i32)
    (local $weights v128) (local $upper v128) (local $lower v128) (local $scales v128) (local $shifts v128)
    (local.set $stepX (i64.trunc_sat_f64_s (f64.mul (local.get $a) (f64.const 0x1p32))))
    (local.set $stepY (i64.trunc_sat_f64_s (f64.mul (local.get $b) (f64.const 0x1p32))))
    (local.set $startX (i64.trunc_sat_f64_s (f64.mul (local.get $c) (f64.const 0x1p32))))
    (local.set $startY (i64.trunc_sat_f64_s (f64.mul (local.get $d) (f64.const 0x1p32))))
    (local.set $green (i32.shl (i32.mul (local.get $columns) (local.get $rows)) (i32.const 2)))
    (local.set $blue (i32.shl (local.get $green) (i32.const 1)))
    (local.set $end (i32.add (local.get $to) (local.get $green)))
    ;; Undoes the factor of the weights, 2^14.
    (local.set $scales (f32x4.splat (f32.mul (local.get $scale) (f32.const 0x1p-14))))
    (local.set $shifts (f32x4.replace_lane 2
      (f32x4.replace_lane 1 (f32x4.splat (local.get $shiftRed)) (local.get $shiftGreen))
      (local.get $shiftBlue)))
    (loop $eachRow
      (local.set $px (local.get $startX))
      (local.set $py (local.get $startY))
      (local.set $rowEnd (i32.add (local.get $to) (i32.shl (local.get $columns) (i32.const 2))))
      (loop $eachPixel
        (local.set $left (i32.wrap_i64 (i64.shr_s (local.get $px) (i64.const 32))))
        (local.set $top (i32.wrap_i64 (i64.shr_s (local.get $py) (i64.const 32))))
        (if
          (i32.and
            ;; -1 <= left < width, as one unsigned comparison.
            (i32.le_u (i32.add (local.get $left) (i32.const 1)) (local.get $width))
            (i32.le_u (i32.add (local.get $top) (i32.const 1)) (local.get $height)))
          (then
            ;; The weights of left and right, alternating, four times.
            (local.set $share (i32.wrap_i64 (i64.and
              (i64.shr_u (local.get $px) (i64.const 18)) (i64.const 0x3fff))))
            (local.set $weights (i32x4.splat (i32.or
              (i32.shl (local.get $share) (i32.const 16))
              (i32.sub (i32.const 0x4000) (local.get $share)))))
            ;; Pixels outside the edges have the value of the nearest pixel inside.
            (local.set $right (i32.add (local.get $left)
              (i32.lt_s (local.get $left) (i32.sub (local.get $width) (i32.const 1)))))
            (local.set $bottom (i32.add (local.get $top)
              (i32.lt_s (local.get $top) (i32.sub (local.get $height) (i32.const 1)))))
            (local.set $left (i32.add (local.get $left) (i32.lt_s (local.get $left) (i32.const 0))))
            (local.set $top (i32.add (local.get $top) (i32.lt_s (local.get $top) (i32.const 0))))
            (local.set $left (i32.shl (local.get $left) (i32.const 2)))
            (local.set $right (i32.shl (local.get $right) (i32.const 2)))
            (local.set $top (i32.add (local.get $from)
              (i32.shl (i32.mul (local.get $top) (local.get $width)) (i32.const 2))))
            (local.set $bottom (i32.add (local.get $from)
              (i32.shl (i32.mul (local.get $bottom) (local.get $width)) (i32.const 2))))
            (local.set $upper (f32x4.convert_i32x4_s (i32x4.dot_i16x8_s
              (i8x16.shuffle 0 4 16 20 1 4 17 20 2 4 18 20 3 4 19 20
                (v128.load32_zero (i32.add (local.get $top) (local.get $left)))
                (v128.load32_zero (i32.add (local.get $top) (local.get $right))))
              (local.get $weights))))
            (local.set $lower (f32x4.convert_i32x4_s (i32x4.dot_i16x8_s
              (i8x16.shuffle 0 4 16 20 1 4 17 20 2 4 18 20 3 4 19 20
                (v128.load32_zero (i32.add (local.get $bottom) (local.get $left)))
                (v128.load32_zero (i32.add (local.get $bottom) (local.get $right))))
              (local.get $weights))))
            (local.set $upper (f32x4.add
              (f32x4.mul
                (f32x4.add (local.get $upper) (f32x4.mul
                  (f32x4.sub (local.get $lower) (local.get $upper))
                  (f32x4.splat (f32.mul
                    (f32.convert_i64_s (i64.and (local.get $py) (i64.const 0xffffffff)))
                    (f32.const 0x1p-32)))))
                (local.get $scales))
              (local.get $shifts)))
            (v128.store32_lane 0 (local.get $to) (local.get $upper))
            (v128.store32_lane 1 (i32.add (local.get $to) (local.get $green)) (local.get $upper))
            (v128.store32_lane 2 (i32.add (local.get $to) (local.get $blue)) (local.get $upper)))
          (else
            (f32.store (local.get $to) (local.get $beyondRed))
            (f32.store (i32.add (local.get $to) (local.get $green)) (local.get $beyondGreen))
            (f32.store (i32.add (local.get $to) (local.get $blue)) (local.get $beyondBlue))))
        (local.set $px (i64.add (local.get $px) (local.get $stepX)))
        (local.set $py (i64.add (local.get $py) (local.get $stepY)))
        (br_if $eachPixel
          (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 4))) (local.get $rowEnd))))
      (local.set $startX (i64.sub (local.get $startX) (local.get $stepY)))
      (local.set $startY (i64.add (local.get $startY) (local.get $stepX)))
      (br_if $eachRow (i32.lt_u (local.get $to) (local.get $end))))))
