"""What the explain commands say, in Korean. {0}, {1}: numbers and names, in either order.

A sentence is looked up as a whole, with its values; what stands in a column of a table, by itself.
Where two fit, the first does. After a value no Korean particle: it would depend on how the value
sounds.
"""

TEXTS = {
    # ---- pixel, convolution
    "input rows {0}; columns {1}; {2}": "입력의 행 {0}, 열 {1}, {2}",
    "channels {0} to {1}": "채널 {0}~{1}",
    "their sum: {0}": "합: {0}",
    "the other {0} channels add {1}": "다른 채널 {0}개가 보태는 값: {1}",
    "sum of the products {0} + bias {1} = {2}": "곱의 합 {0} + 편향 {1} = {2}",
    "the layer says {0} ({1})": "층의 값: {0} ({1})",
    "window": "창",
    "kernel": "커널",
    "products": "곱",
    "*  kernel": "×  커널",
    "=  products, sum {0}": "=  곱, 합 {0}",
    "x, channel {0}:\nthe window of pixel ({1}, {2})": "x, 채널 {0}:\n픽셀 ({1}, {2})의 창",
    "x, channel {0}, padded": "패딩한 x, 채널 {0}",
    "x, channel {0}": "x, 채널 {0}",
    "y, filter {0}: the tile": "y, 필터 {0}: 타일",
    "y, filter {0}:\n{1} + bias": "y, 필터 {0}:\n{1} + 편향",
    "y, filter {0}": "y, 필터 {0}",
    "bias": "편향",
    "sum = y": "합 = y",
    "the sums of {0} channels, in order": "채널 {0}개의 합, 순서대로",
    "{0}  of  {1}": "{1}의 {0}",
    "{0} of Conv2d({1})": "Conv2d({1})의 {0}",
    "x ({0}) -> padded ({1}) -> y ({2})": "x ({0}) -> 패딩한 x ({1}) -> y ({2})",
    "OH = (padded height {0} - dilation {1} * (KH {2} - 1) - 1) // stride {3} + 1 = {4}":
        "OH = (패딩한 높이 {0} - 팽창 {1} * (KH {2} - 1) - 1) // 스트라이드 {3} + 1 = {4}",
    "OW = (padded width {0} - dilation {1} * (KW {2} - 1) - 1) // stride {3} + 1 = {4}":
        "OW = (패딩한 너비 {0} - 팽창 {1} * (KW {2} - 1) - 1) // 스트라이드 {3} + 1 = {4}",
    "each output number: {0} products; all {1}: {2} multiply-adds":
        "출력의 숫자 하나: 곱 {0}개. 전체 {1}개: 곱셈과 덧셈 {2}번",
    # ---- columns, col2im
    "{0}, image {1}, backward": "{0}, 이미지 {1}, 역전파",
    "{0}, image {1}": "{0}, 이미지 {1}",
    "cols     {0}: a row for each of the {1} output pixels, a column for each of the {2} products":
        "cols     {0}: 출력 픽셀 {1}개마다 행 하나, 곱 {2}개마다 열 하나",
    "weights  {0}: a column for each filter": "가중치   {0}: 필터마다 열 하나",
    "product  {0}: {1} multiply-adds, the same as the convolution has":
        "곱       {0}: 곱셈과 덧셈 {1}번, 합성곱과 같음",
    "and so {0} times, once for each group": "이것을 그룹마다 한 번씩 {0}번",
    "memory for the batch of {0}: input {1} bytes, all columns {2} bytes ({3} times as much)":
        "배치 {0}개의 메모리: 입력 {1}바이트, 열 전부 {2}바이트({3}배)",
    "the library makes {0} blocks of {1} bytes, one after the other in the same memory, which "
    "stays in the cache":
        "라이브러리는 {1}바이트짜리 블록 {0}개를 같은 메모리에 차례로 만들므로, 캐시에 남아 있음",
    "that fits the cache: the library makes all of them at once":
        "캐시에 들어가는 크기: 라이브러리가 한꺼번에 모두 만듦",
    "place in the window: channel, row, column": "창 안의 자리: 채널, 행, 열",
    "output pixel": "출력 픽셀",
    "filter": "필터",
    "@  weights  {0}": "@  가중치  {0}",
    "=  product  {0}": "=  곱  {0}",
    "im2col: row {0} of the columns is the window of one output pixel (excerpts of the matrices)":
        "im2col: cols의 {0}번 행은 출력 픽셀 하나의 창 (행렬의 일부)",
    "gcols {0} = gy {1} @ weights^T: what each window's pixels get from its output pixel":
        "gcols {0} = gy {1} @ 가중치^T: 창의 픽셀마다 출력 픽셀에서 받는 값",
    "col2im adds them up where windows overlap: a pixel is in {0} to {1} windows":
        "col2im은 창이 겹치는 곳에서 더함: 픽셀 하나가 들어 있는 창은 {0}~{1}개",
    "gradient of y, filter {0}:\nthe pixel ({1}, {2})":
        "y의 그래디언트, 필터 {0}:\n픽셀 ({1}, {2})",
    "gy @ weights$^T$ = gcols  {0}": "gy @ 가중치ᵀ = gcols  {0}",
    "how many windows\neach pixel is in": "픽셀마다\n들어 있는 창의 수",
    "gradient of padded x,\nchannel {0}: the row's window":
        "패딩한 x의 그래디언트,\n채널 {0}: 그 행의 창",
    "col2im: each row of gcols is added at its window's place":
        "col2im: gcols의 행을 저마다 창이 있던 자리에 더함",
    # ---- variations
    "padded": "패딩 뒤",
    "output": "출력",
    "cols matrix (each group)": "cols 행렬 (그룹마다)",
    "multiply-adds": "곱셈과 덧셈",
    "plain": "기본",
    "3x3 convolutions of one image: the first two windows, the column matrix, the output":
        "이미지 하나의 3×3 합성곱: 처음 두 창, cols 행렬, 출력",
    # ---- gradients
    "the gradient of x is a full convolution of gy with the turned kernel:":
        "x의 그래디언트는 gy와 돌린 커널의 완전한 합성곱:",
    "gy {0} with {1} and {2} zeros between its rows and columns: {3}":
        "gy {0}, 행 사이에 0을 {1}개, 열 사이에 {2}개 끼움: {3}",
    "a frame of {0} and {1} zeros: {2}": "둘레에 0을 {0}줄, {1}줄 두름: {2}",
    "the kernel, turned by 180 degrees, slides over it: {0}":
        "180도 돌린 커널이 그 위를 지나감: {0}",
    "without the padding: {0}; relative difference from autograd {1}":
        "패딩을 떼어 냄: {0}, autograd와의 상대 차이 {1}",
    "the gradient of the weight is a correlation of the padded images with gy:":
        "가중치의 그래디언트는 패딩한 이미지와 gy의 상관:",
    "{0} products for each of the {1} weights; relative difference from autograd {2}":
        "가중치 {1}개마다 곱 {0}개, autograd와의 상대 차이 {2}",
    "{0} is the sum of {1} products": "{0}: 곱 {1}개의 합",
    "the other {0} together: {1}": "나머지 {0}개의 합: {1}",
    "sum {0}; autograd says {1}": "합 {0}, autograd의 값 {1}",
    "gradient of y, filter {0}": "y의 그래디언트, 필터 {0}",
    "spread by the stride, framed by zeros": "스트라이드만큼 벌리고 0으로 두름",
    "*  kernel, turned by 180 degrees": "×  180도 돌린 커널",
    "summed over filters: gradient of x, channel {0}": "필터에 걸쳐 더함: x의 그래디언트, 채널 {0}",
    "*  gradient of y, filter {0}, as the kernel": "×  커널 자리의 y 그래디언트, 필터 {0}",
    "summed over images: gradient of w[{0}]": "이미지에 걸쳐 더함: w[{0}]의 그래디언트",
    "the same by autograd": "autograd로 구한 값",
    # ---- pooling, batch norm, gradient flow, tape
    "{0} gradients of outputs reach {1} of {2} input pixels; largest difference from autograd {3}":
        "출력의 그래디언트 {0}개가 입력 픽셀 {2}개 가운데 {1}개에 도달, autograd와의 가장 큰 "
        "차이 {3}",
    "output ({0}) of channel {1}: {2} to pixel ({3}), {4} to pixel ({5}), {6} to pixel ({7}), "
    "{8} to pixel ({9}), ...":
        "채널 {1}의 출력 ({0}): 픽셀 ({3})에 {2}, 픽셀 ({5})에 {4}, 픽셀 ({7})에 {6}, 픽셀 "
        "({9})에 {8}, ...",
    "output ({0}) of channel {1}: {2} to pixel ({3}), {4} to pixel ({5}), {6} to pixel ({7}), "
    "{8} to pixel ({9})":
        "채널 {1}의 출력 ({0}): 픽셀 ({3})에 {2}, 픽셀 ({5})에 {4}, 픽셀 ({7})에 {6}, 픽셀 "
        "({9})에 {8}",
    "output ({0}) of channel {1}: {2} to pixel ({3}), {4} to pixel ({5}), {6} to pixel ({7})":
        "채널 {1}의 출력 ({0}): 픽셀 ({3})에 {2}, 픽셀 ({5})에 {4}, 픽셀 ({7})에 {6}",
    "output ({0}) of channel {1}: {2} to pixel ({3}), {4} to pixel ({5})":
        "채널 {1}의 출력 ({0}): 픽셀 ({3})에 {2}, 픽셀 ({5})에 {4}",
    "output ({0}) of channel {1}: {2} to pixel ({3})": "채널 {1}의 출력 ({0}): 픽셀 ({3})에 {2}",
    "output ({0}) of channel {1}: {2}": "채널 {1}의 출력 ({0}): {2}",
    "x: the pixels that get a gradient": "x: 그래디언트를 받는 픽셀",
    "gradient of the output": "출력의 그래디언트",
    "gradient of x": "x의 그래디언트",
    "{0}, backward, for x {1}": "{0}, 역전파, x {1}",
    "{0}, backward": "{0}, 역전파",
    "gx is the sum of three parts; their lengths (root of the sum of squares) are":
        "gx는 세 부분의 합. 저마다의 길이(제곱의 합의 제곱근):",
    "through the mean": "평균을 거쳐",
    "through the deviation": "표준편차를 거쳐",
    "each channel of gx has mean 0 (at most {0}) and is at right angles to xhat (at most {1})":
        "gx의 채널마다 평균은 0(최대 {0}), xhat과 직각(최대 {1})",
    "largest difference from autograd {0}": "autograd와의 가장 큰 차이 {0}",
    "sum: the gradient of x": "합: x의 그래디언트",
    "before: gy, and the line mean(gy) + mean(gy xhat) xhat":
        "앞: gy와 직선 평균(gy) + 평균(gy xhat) xhat",
    "after: gy less the line; gx is this times weight/sigma":
        "뒤: gy에서 직선을 뺀 값. 여기에 가중치/σ를 곱하면 gx",
    "backward through {0}, channel {1}": "{0}의 역전파, 채널 {1}",
    "backward through {0}": "{0}의 역전파",
    "length of the weights' gradients in networks of {0} convolutions":
        "합성곱 {0}개짜리 신경망에서 가중치 그래디언트의 길이",
    "last layer": "마지막 층",
    "first layer": "첫 층",
    "a layer multiplies by": "층마다 곱해지는 값",
    "plain, He's initialisation": "기본, He 초기화",
    "residual": "잔차",
    "{0} (x {1} a layer)": "{0} (층마다 × {1})",
    "layer: 1 is next to the image": "층: 1이 이미지 바로 다음",
    "length of the weight's gradient": "가중치 그래디언트의 길이",
    "gradients on their way back (from right to left)":
        "되돌아오는 그래디언트 (오른쪽에서 왼쪽으로)",
    "{0} saves {1} bytes <- {2}": "{0}, 저장 {1}바이트 <- {2}",
    "{0} saves {1} bytes": "{0}, 저장 {1}바이트",
    "{0} boxes and the output; {1} bytes are kept for backward":
        "상자 {0}개와 출력. 역전파를 위해 {1}바이트를 간직함",
    # ---- algorithms, winograd, roofline, ladder
    "Conv2d({0}) on {1}, float32": "Conv2d({0}), 입력 {1}, float32",
    "Conv2d({0}) on {1}": "Conv2d({0}), 입력 {1}",
    "multiplications": "곱셈",
    "additions": "덧셈",
    "MB moved": "옮긴 MB",
    "MB workspace": "작업용 MB",
    "time (ms)": "시간 (ms)",
    "rel. error": "상대 오차",
    "loops in Python": "Python 반복문",
    "only for one group here": "여기서는 그룹 하나일 때만",
    "only for 3x3 kernels": "3×3 커널에만",
    "only for stride 1 and dilation 1": "스트라이드 1, 팽창 1에만",
    "only for one group": "그룹 하나일 때만",
    "direct": "직접",
    "the library, {0}": "라이브러리, {0}",
    "the library takes {0}: {1}": "라이브러리의 선택 {0}: {1}",
    "{0} million multiplications' worth of time, {1}": "곱셈 {0}백만 번만큼의 시간, {1}",
    "each channel has filters of its own": "채널마다 자신의 필터가 있음",
    "Winograd is for 3x3 kernels, stride 1, dilation 1, groups 1":
        "Winograd는 3×3 커널, 스트라이드 1, 팽창 1, 그룹 1에 쓰임",
    "Winograd's transforms cost more than they save in array code":
        "배열 코드에서는 Winograd의 변환에 드는 시간이 아끼는 시간보다 김",
    "Winograd's transforms lose too many digits in float16":
        "float16에서는 Winograd의 변환이 자릿수를 너무 많이 잃음",
    "operations (millions)": "연산 (백만)",
    "memory (MB)": "메모리 (MB)",
    "workspace": "작업용",
    "moved": "옮김",
    "library:\n{0}": "라이브러리:\n{0}",
    "time here (ms, logarithmic)": "이 컴퓨터의 시간 (ms, 로그)",
    "F({0}): outputs ({1}) to ({2}) of filter {3}": "F({0}): 필터 {3}의 출력 ({1})~({2})",
    "Winograd F({0}): {1} multiplications for each channel instead of {2}":
        "Winograd F({0}): 채널마다 곱셈 {2}번 대신 {1}번",
    "{0} multiplications for each channel instead of {1}": "채널마다 곱셈 {1}번 대신 {0}번",
    "d: the pixels of channel {0}": "d: 채널 {0}의 픽셀",
    "d: pixels of channel {0}": "d: 채널 {0}의 픽셀",
    "g: the weights of channel {0}": "g: 채널 {0}의 가중치",
    "g: weights of channel {0}": "g: 채널 {0}의 가중치",
    "U = G g G^T (once for all tiles)": "U = G g G^T (모든 타일에 한 번)",
    "M = U * V: {0} multiplications": "M = U * V: 곱셈 {0}번",
    "sum of M over {0} channels": "채널 {0}개에 걸친 M의 합",
    "Y = A^T M A + bias: the outputs": "Y = A^T M A + 편향: 출력",
    "largest difference from the layer: {0}": "층의 값과의 가장 큰 차이: {0}",
    "The points are {0} and infinity. Layers that train take F(4x4, 3x3) with":
        "쓴 점은 {0}, 무한대입니다. 학습하는 층은 F(4x4, 3x3)을 쓰며, 그 점은",
    "0, +-sqrt(1/2), +-sqrt(2) and infinity, which lose fewer digits in float32.":
        "0, ±sqrt(1/2), ±sqrt(2), 무한대입니다. float32에서 자릿수를 덜 잃습니다.",
    "$M = U * V$, channel {0}": "M = U × V, 채널 {0}",
    "M, summed over channels": "M, 채널에 걸쳐 더함",
    "$Y = A^T M A$ + bias": "Y = Aᵀ M A + 편향",
    "this machine: {0} GFLOP/s in a matrix product, {1} GB/s copying; the ridge is at {2} "
    "FLOP/byte":
        "이 컴퓨터: 행렬 곱 {0} GFLOP/s, 복사 {1} GB/s, 꺾이는 점 {2} FLOP/바이트",
    "layer": "층",
    "FLOP/byte": "FLOP/바이트",
    "limit": "한계",
    "of the roof": "지붕 대비",
    "arithmetic": "계산",
    "memory": "메모리",
    "{0} and {1} like it": "{0} 외 같은 것 {1}개",
    "arithmetic intensity (FLOP for each byte)\nleft of the dotted line memory is the limit, "
    "right of it arithmetic;\nabove the roof: Winograd needs fewer operations than are counted "
    "here":
        "연산 강도 (바이트마다 FLOP)\n점선의 왼쪽에서는 메모리가, 오른쪽에서는 계산이 한계.\n"
        "지붕 위: Winograd의 연산은 여기서 센 것보다 적음",
    "speed (GFLOP/s)": "속도 (GFLOP/s)",
    "roof: {0} GFLOP/s matrix product, {1} GB/s copy": "지붕: 행렬 곱 {0} GFLOP/s, 복사 {1} GB/s",
    "{0} layers": "{0} 층",
    "{0} convolution of {1} by {2} filters, float32: {3} MFLOP":
        "{0} 합성곱, 입력 {1}, 필터 {2}개, float32: {3} MFLOP",
    "threads": "스레드",
    "times": "배",
    "error": "오차",
    "loops in Python (a corner)": "Python 반복문 (한쪽 구석만)",
    "the same loops, compiled": "같은 반복문, 컴파일",
    "vectors: filters innermost": "벡터: 필터를 가장 안쪽에",
    "the same on all cores": "같은 것을 모든 코어에서",
    "im2col and one BLAS product": "im2col과 BLAS 곱 하나",
    "in blocks that the cache holds": "캐시에 들어가는 블록으로",
    "sums in registers, masked loads": "레지스터의 합, 마스크 읽기",
    "the same without masks": "같은 것을 마스크 없이",
    "weights packed in panels": "가중치를 패널로 묶음",
    "the library's product": "라이브러리의 곱",
    "the library's Winograd": "라이브러리의 Winograd",
    "Winograd, batch norm, ReLU": "Winograd, 배치 정규화, ReLU",
    "the last two in one pass": "마지막 둘을 한 번에",
    "times: as fast as the rung above it; step 12 does more, and starts anew":
        "배: 바로 윗단보다 몇 배 빠른가. 12단은 하는 일이 더 많아 새로 시작함",
    "Winograd does a quarter of the multiplications that are counted here":
        "Winograd의 곱셈은 여기서 센 것의 4분의 1",
    "rungs without a time were not run: {0}": "시간이 없는 단은 실행하지 않음: {0}",
    "roof: {0} GFLOP/s in NumPy's matrix product, {1} GB/s copying":
        "지붕: NumPy의 행렬 곱 {0} GFLOP/s, 복사 {1} GB/s",
    "inner loop {0}: in several pieces, not counted": "안쪽 반복문({0}): 여러 조각이라 세지 않음",
    "inner loop {0}: {1} instructions, {2} of them multiply-adds, {3} on the stack":
        "안쪽 반복문({0}): 명령 {1}개, 그 가운데 곱셈과 덧셈 {2}개, 스택 {3}개",
    "of step {0}": "{0}단",
    "they need Numba: pip install 'minitorch-cnn[fast]'":
        "Numba가 필요함: pip install 'minitorch-cnn[fast]'",
    "AVX-512: {0} registers of {1} floats, masks have registers of their own":
        "AVX-512: float {1}개짜리 레지스터 {0}개, 마스크에는 전용 레지스터",
    "no AVX-512: registers of {0} floats, and a mask takes one of them":
        "AVX-512 없음: 레지스터에 float {0}개, 마스크가 그 하나를 차지함",
    "GFLOP/s (logarithmic); dotted: NumPy's matrix product":
        "GFLOP/s (로그), 점선: NumPy의 행렬 곱",
    "loops": "반복문",
    "NumPy's BLAS": "NumPy의 BLAS",
    "a register tile": "레지스터 타일",
    "the library": "라이브러리",
    "FLOP for each byte that moves to or from memory\n(equal ones are drawn side by side)":
        "메모리를 오가는 바이트마다 FLOP\n(같은 것은 나란히 그림)",
    "the roof: memory, then arithmetic": "지붕: 메모리, 그다음 계산",
    # ---- summary, receptive field
    "{0} for input {1}; a bar has the layers that follow, too":
        "{0}, 입력 {1} (막대에는 뒤따르는 층도 포함)",
    "{0} for input {1}": "{0}, 입력 {1}",
    "kind": "종류",
    "parameters": "매개변수",
    "MACs": "MAC",
    "output kB": "출력 kB",
    "saved kB": "저장 kB",
    "field": "수용 영역",
    "layer, kind": "층, 종류",
    "MMACs": "백만 MAC",
    "time": "시간",
    "all": "전체",
    "(kernels, memory and fields: in a wider terminal)":
        "(커널, 메모리, 수용 영역: 더 넓은 터미널에서)",
    "{0} parameters ({1} trainable), {2} million MACs":
        "매개변수 {0}개(학습 {1}개), MAC {2}백만 번",
    "memory: parameters {0} MB, all outputs {1} MB, kept for backward {2} MB":
        "메모리: 매개변수 {0} MB, 출력 전부 {1} MB, 역전파를 위해 간직 {2} MB",
    "the layers' forward passes, alone: {0} ms": "층마다 따로 잰 순전파: {0} ms",
    "million MACs": "MAC (백만)",
    "thousand parameters": "매개변수 (천)",
    "kB kept for backward": "역전파를 위해 간직 (kB)",
    "forward (ms)": "순전파 (ms)",
    "receptive field of the middle output; beyond the picture is padding":
        "가운데 출력의 수용 영역 (그림 밖은 패딩)",
    "receptive field": "수용 영역",
    "jump": "간격",
    "starts at": "시작",
    "the whole image": "이미지 전체",
    "vector": "벡터",
    # ---- filters, maps, attribution, exciting
    "filters of {0}: {1} images of {2}, {3} of them drawn":
        "{0}의 필터: {2} 이미지 {1}개 가운데 {3}개",
    "filters of {0}: {1} images of {2}": "{0}의 필터: {2} 이미지 {1}개",
    "feature maps of {0}: {1} images of {2}, {3} of them drawn":
        "{0}의 특징 맵: {2} 이미지 {1}개 가운데 {3}개",
    "feature maps of {0}: {1} images of {2}": "{0}의 특징 맵: {2} 이미지 {1}개",
    "filters of {0}": "{0}의 필터",
    "feature maps of {0}": "{0}의 특징 맵",
    "grey is 0, a colour adds where the picture has it":
        "회색은 0, 그림에 그 색이 있는 곳에서 색만큼 더함",
    "blue is negative, red positive": "파랑은 음수, 빨강은 양수",
    "each map has its own scale, from black (smallest) to white (largest)":
        "맵마다 따로 검정(최소)에서 흰색(최대)까지",
    "filter {0}": "필터 {0}",
    "map {0}": "맵 {0}",
    "{0}, channel {1}": "{0}, 채널 {1}",
    "channel {0}": "채널 {0}",
    "{0} for {1} (score {2}, probability {3})": "{0}: {1} (점수 {2}, 확률 {3})",
    "class {0}": "클래스 {0}",
    "saliency": "중요도(saliency)",
    "occlusion": "가리기(occlusion)",
    "both": "겹친 그림",
    "how much the score changes with each pixel (absolute gradient, largest channel)":
        "픽셀마다 점수가 변하는 정도 (그래디언트의 절댓값, 가장 큰 채널)",
    "maps of {0} ({1}), weighted and resized": "{0}의 맵({1})에 가중치를 주고 크기를 바꿈",
    "mean fall of the score while a {0} grey square covers the pixel":
        "{0} 회색 사각형이 픽셀을 가릴 때 점수가 떨어지는 평균",
    "largest at row {0}, column {1}: {2}": "가장 큰 곳 {0}행 {1}열: {2}",
    "images that excite channel {0} of {1} most": "{1}의 채널 {0}, 값이 가장 커지는 이미지",
    "what excites channel {0} of {1} most\n(frame: what it sees)":
        "{1}의 채널 {0}, 값이 가장 커지는 곳\n(테두리: 보는 영역)",
    "image {0}: {1} by rows {2} to {3}, columns {4} to {5}": "이미지 {0}: {1}, {2}~{3}행 {4}~{5}열",
    # ---- training
    "{0}: test loss {1}, test accuracy {2} %": "{0}: 테스트 손실 {1}, 테스트 정확도 {2} %",
    "epoch {0}": "에포크 {0}",
    "best test accuracy {0} % in epoch {1}": "가장 높은 테스트 정확도 {0} %, 에포크 {1}",
    "learning rate {0}": "{0} 학습률",
    "of each step": "스텝마다의",
    "after each epoch": "에포크마다의",
    "train, on augmented images": "학습 (늘린 이미지)",
    "train": "학습",
    "test": "테스트",
    "loss": "손실",
    "accuracy": "정확도",
    "cross-entropy": "교차 엔트로피",
    "epoch": "에포크",
    "epochs done": "마친 에포크",
    "accuracy {0} % of {1} images": "이미지 {1}장의 정확도 {0} %",
    "{0} of {1} '{2}' were called '{3}'": "‘{2}’ {1}장 가운데 {0}장의 답: ‘{3}’",
    "predicted class": "예측한 클래스",
    "true class": "정답 클래스",
    "test accuracy {0} %, {1} images": "테스트 정확도 {0} %, 이미지 {1}장",
    "% of the images of a class": "클래스의 이미지 가운데 %",
    "{0} of {1} images are recognised": "이미지 {1}장 가운데 {0}장을 알아맞힘",
    "{0}\nis {1}": "{0}\n정답 {1}",
    "nothing recorded": "기록이 없음",
    "middle half of the weights": "가중치의 가운데 절반",
    "of the gradients": "그래디언트의 가운데 절반",
    "step {0}": "스텝 {0}",
    "{0} step {1}": "{0} 스텝 {1}",
    "{0}  (left: the step)": "{0}  (왼쪽: 스텝)",
    "weights": "가중치",
    "gradients": "그래디언트",
    "histograms of weights and gradients over training": "학습하는 동안의 가중치와 그래디언트 분포",
    "expected calibration error {0} %": "보정 오차의 기댓값 {0} %",
    # ---- what the commands say themselves
    "picture: {0}": "그림: {0}",
    "no picture: {0}": "그림 없음: {0}",
    "page: {0} ({1} MB). Open it in a browser; it needs no network.":
        "페이지: {0} ({1} MB). 브라우저로 여세요. 네트워크는 필요 없습니다.",
}  # fmt: skip
