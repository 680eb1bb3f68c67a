# docker build --tag iqatm .                               for the CPU
# docker build --tag iqatm --build-arg DEVICE=cuda .       for NVIDIA GPUs
FROM python:3.11-slim
ARG DEVICE=cpu
ENV PYTHONUNBUFFERED=1 KERAS_HOME=/tmp/keras
WORKDIR /iqatm
COPY requirements.txt requirements-demo.txt ./
# XLA finds no algorithm for a convolution with cuDNN before 9.24.
RUN if [ "$DEVICE" = cuda ]; then set -- "tensorflow[and-cuda]" "nvidia-cudnn-cu12>=9.24"; fi \
    && pip install --no-cache-dir --requirement requirements-demo.txt "$@"
COPY . .
USER 1000
ENTRYPOINT ["python"]
CMD ["test.py", "--help"]
